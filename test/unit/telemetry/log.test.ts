import { expect, test } from 'vitest';
import { consoleLogger, silentLogger } from '../../../src/telemetry/log.js';

function setUp() {
  const lines: string[] = [];
  const time = { nowMs: 0 };
  const logger = consoleLogger({
    quietMs: 60_000,
    clock: { nowMs: () => time.nowMs, after: () => ({ cancel: () => {} }), afterInput: () => {} },
    sink: { warn: (line: string) => lines.push(`warn ${line}`), error: (line: string) => lines.push(`error ${line}`) },
  });
  return { lines, time, logger };
}

test('writes warnings and errors with their code, and nothing below', () => {
  const { lines, logger } = setUp();
  logger.debug({ code: 'a' }, 'quiet');
  logger.info({ code: 'a' }, 'quiet');
  logger.warn({ code: 'pool_down' }, 'pool "reports" is down');
  logger.error({}, 'no code');
  expect(lines).toEqual(['warn sluice: pool "reports" is down [pool_down]', 'error sluice: no code']);
});

test('writes nothing of what an entry is about besides its code', () => {
  const { lines, logger } = setUp();
  logger.warn({ code: 'x', url: 'postgres://user:hunter2@db', error: new Error('hunter2') }, 'cannot connect');
  expect(lines.join()).not.toContain('hunter2');
});

test('writes each code once in a while, and tells how often it was left out', () => {
  const { lines, time, logger } = setUp();
  for (let fault = 0; fault < 1_000; fault += 1) logger.warn({ code: 'pool_down' }, 'down');
  logger.warn({ code: 'other' }, 'other');
  expect(lines).toHaveLength(2);
  time.nowMs = 59_999;
  logger.warn({ code: 'pool_down' }, 'down');
  expect(lines).toHaveLength(2);
  time.nowMs = 60_000;
  logger.warn({ code: 'pool_down' }, 'down');
  expect(lines[2]).toBe('warn sluice: down [pool_down] (and 1000 more like it)');
});

test('the silent logger writes nothing', () => {
  expect(() => silentLogger.error({ code: 'x' }, 'y')).not.toThrow();
});
