import { kindOf, missingFunctions } from '../core/given-value.js';
import { checkKnownOptions } from '../core/known-options.js';
import type { DrainOptions } from './drain.js';

/** What a drain calls of the server that it closes. */
const SERVER = ['close', 'closeIdleConnections', 'closeAllConnections'];

/**
 * Looks at what code without types may have given: a bound that is none would let a drain last for ever.
 *
 * @throws TypeError for an option that is unknown or of another kind.
 * @throws RangeError for a time that is none.
 */
export function checkDrainOptions(options: { readonly [Option in keyof DrainOptions]: unknown }): void {
  checkKnownOptions('drain()', options, ['server', 'timeoutMs']);
  const { server, timeoutMs } = options;
  if (timeoutMs !== undefined && typeof timeoutMs !== 'number') {
    throw new TypeError(
      `timeoutMs of drain() is ${kindOf(timeoutMs)}: give milliseconds as a number from 0, or leave it out`,
    );
  }
  if (timeoutMs !== undefined && !(timeoutMs >= 0)) {
    throw new RangeError(`timeoutMs of drain() is ${timeoutMs}: give milliseconds from 0, or leave it out`);
  }
  const missing = server === undefined ? [] : missingFunctions(server, SERVER);
  if (missing.length === 0) return;
  throw new TypeError(
    `server of drain() is ${kindOf(server)} without ${missing.join(', ')}: give what listen() or http.createServer() ` +
      'returned, or leave it out',
  );
}
