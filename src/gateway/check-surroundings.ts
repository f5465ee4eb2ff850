import { kindOf, missingFunctions } from '../core/given-value.js';
import { checkKnownOptions } from '../core/known-options.js';
import { checkRedisClient } from '../fleet/redis-client.js';
import type { GatewaySurroundings } from './surroundings.js';

const OWNER = "createGateway's surroundings";

/** What of each field is looked at before anything is opened. */
const CHECKS: Readonly<Record<keyof GatewaySurroundings, (given: unknown) => void>> = {
  env: (given) => {
    if (typeof given === 'object' && given !== null && !Array.isArray(given)) return;
    throw new TypeError(`env is ${kindOf(given)}: give an object of variables, or leave it out for process.env`);
  },
  logger: (given) =>
    checkFunctions('logger', given, ['debug', 'info', 'warn', 'error'], 'give pino(), console or the like'),
  clock: (given) => checkFunctions('clock', given, ['nowMs', 'after', 'afterInput'], 'give a Clock'),
  wallMs: (given) => checkFunction('wallMs', given, 'milliseconds since 1970, as Date.now does'),
  random: (given) => checkFunction('random', given, 'a number from 0 to below 1, as Math.random does'),
  redis: checkRedisClient,
  registry: (given) =>
    checkFunctions('registry', given, ['meet', 'leave'], 'give a Registry, which the instances have in common'),
};

/**
 * Looks through what surrounds a gateway, which code without types may have given: a logger that is none would lose
 * every warning, and a clock would fail at the first request.
 *
 * @throws TypeError that names the field and the remedy.
 */
export function checkSurroundings(given: GatewaySurroundings): void {
  // What stands in a text may be a secret, and a function would be told with all its lines.
  const outer: unknown = typeof given === 'object' ? given : kindOf(given);
  checkKnownOptions(OWNER, outer, Object.keys(CHECKS));
  for (const [name, check] of Object.entries(CHECKS)) {
    const field: unknown = Reflect.get(given, name);
    if (field !== undefined) check(field);
  }
}

function checkFunction(field: string, given: unknown, returns: string): void {
  if (typeof given === 'function') return;
  throw new TypeError(`${field} is ${kindOf(given)}: give a function that returns ${returns}, or leave it out`);
}

function checkFunctions(field: string, given: unknown, names: readonly string[], remedy: string): void {
  const missing = missingFunctions(given, names);
  if (missing.length === 0) return;
  const uncalled = typeof given === 'function' ? ' (was it to be called?)' : '';
  throw new TypeError(
    `${field} is ${kindOf(given)} without the function${missing.length > 1 ? 's' : ''} ${missing.join(', ')}${uncalled}: ` +
      `${remedy}, or leave it out`,
  );
}
