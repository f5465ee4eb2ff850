import { Redis } from 'ioredis';
import pino from 'pino';
import { createGateway, type GatewaySurroundings } from 'sluice';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import { knownSurroundings } from '../../../src/gateway/surroundings.js';
import { consoleLogger } from '../../../src/telemetry/log.js';

const LOGGER = ': give pino(), console or the like, or leave it out';

/** What a program without types can give. */
const untyped = (given: unknown): GatewaySurroundings => given as GatewaySurroundings;

describe('what surrounds a gateway', () => {
  it.each<[unknown, string]>([
    [
      { logger: pino },
      `logger is a function without the functions debug, info, warn, error (was it to be called?)${LOGGER}`,
    ],
    [{ logger: {} }, `logger is an object without the functions debug, info, warn, error${LOGGER}`],
    [{ logger: { debug() {}, info() {}, warning() {}, error() {} } }, `an object without the function warn${LOGGER}`],
    [{ logger: 5 }, `logger is a number without the functions debug, info, warn, error${LOGGER}`],
    [{ logger: null }, `logger is null without the functions debug, info, warn, error${LOGGER}`],
    [{ loger: console }, '"loger" is no option of createGateway\'s surroundings: use "logger"'],
    [{ log: console }, '"log" is no option of createGateway\'s surroundings: use "logger"'],
    [
      { clock: Date },
      'clock is a function without the functions nowMs, after, afterInput (was it to be called?): give',
    ],
    [
      { clock: { nowMs: () => 0 } },
      'clock is an object without the functions after, afterInput: give a Clock, or leave',
    ],
    [{ wallMs: 5 }, 'wallMs is a number: give a function that returns milliseconds since 1970, as Date.now does, or'],
    [{ random: 0.5 }, 'random is a number: give a function that returns a number from 0 to below 1, as Math.random'],
    [{ registry: {} }, 'registry is an object without the functions meet, leave: give a Registry'],
    [{ registry: { meet: () => undefined } }, 'registry is an object without the function leave: give'],
    [{ env: 'production' }, 'env is a string: give an object of variables, or leave it out for process.env'],
    [{ env: null }, 'env is null: give an object'],
    [{ env: ['SLUICE_MODE=off'] }, 'env is an array: give an object'],
    [{ redis: {} }, 'redis is an object without eval, evalsha, on, off: give a client'],
    [null, "the options of createGateway's surroundings are null: give an object, or leave them out"],
    ['postgres://app:Zq7@db/shop', "the options of createGateway's surroundings are a string: give an object, or"],
    [pino, "the options of createGateway's surroundings are a function: give an object, or leave them out"],
  ])('is refused with the remedy where it is %o', (given, told) => {
    // Of a gateway that were opened with a clock like these no test would see the end.
    const refused = (): unknown => knownSurroundings(untyped(given));
    expect(refused).toThrow(TypeError);
    expect(refused).toThrow(told);
    expect(refused).not.toThrow('Zq7');
  });

  it('is looked through before anything of the configuration', async () => {
    const made = createGateway({ routes: {} }, untyped({ logger: pino }));
    await expect(made).rejects.toThrow(/^logger is a function without/);
  });

  it.each<[string, GatewaySurroundings]>([
    ['pino', { logger: pino() }],
    ['the console', { logger: console }],
    ['its own logger', { logger: consoleLogger(), env: process.env, clock: systemClock }],
    ['a function with functions', { logger: Object.assign(() => undefined, consoleLogger()) }],
    ['a client of Redis', { redis: new Redis({ lazyConnect: true }) }],
    ['what is left undefined', untyped({ logger: undefined, clock: undefined, env: undefined, random: undefined })],
    ['nothing', {}],
  ])('may have %s', (_, given) => {
    expect(() => knownSurroundings(given)).not.toThrow();
  });
});
