import { expect, test } from 'vitest';
import { consoleLogger, shielded, silentLogger } from '../../../src/telemetry/log.js';
import { unheardRejections } from '../../support/unheard-rejections.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const fails = (): never => {
  throw new Error('the sink is gone');
};

function setUp() {
  const lines: string[] = [];
  const clock = new VirtualClock();
  const logger = consoleLogger({
    quietMs: 60_000,
    clock,
    sink: { warn: (line: string) => lines.push(`warn ${line}`), error: (line: string) => lines.push(`error ${line}`) },
  });
  return { lines, clock, logger };
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
  const { lines, clock, logger } = setUp();
  for (let fault = 0; fault < 1_000; fault += 1) logger.warn({ code: 'pool_down' }, 'down');
  logger.warn({ code: 'other' }, 'other');
  expect(lines).toHaveLength(2);
  clock.runUntil(59_999);
  logger.warn({ code: 'pool_down' }, 'still down');
  expect(lines).toHaveLength(2);
  // What came last is told even if nothing comes any more.
  clock.runUntil(61_000);
  expect(lines.slice(2)).toEqual(['warn sluice: still down [pool_down] (and 999 more like it)']);
  clock.runUntil(119_000);
  logger.warn({ code: 'pool_down' }, 'down');
  clock.runUntil(500_000);
  expect(lines.slice(3)).toEqual(['warn sluice: down [pool_down]']);
});

test('writes a code of each route that it names', () => {
  const { lines, clock, logger } = setUp();
  for (const route of ['a', 'b', 'a'])
    logger.warn({ code: 'tenant_unusable', route }, `routes.${route}.tenantOf threw`);
  clock.runUntil(61_000);
  expect(lines).toEqual([
    'warn sluice: routes.a.tenantOf threw [tenant_unusable]',
    'warn sluice: routes.b.tenantOf threw [tenant_unusable]',
    'warn sluice: routes.a.tenantOf threw [tenant_unusable]',
  ]);
});

test('ends with how things stand', () => {
  const { lines, clock, logger } = setUp();
  const change = (atMs: number, code: string): void => {
    clock.runUntil(atMs);
    logger.warn({ code }, code.slice(6));
  };
  change(0, 'fleet_degraded');
  change(50_000, 'fleet_restored');
  change(52_000, 'fleet_degraded');
  change(54_000, 'fleet_restored');
  change(56_000, 'fleet_degraded');
  change(57_000, 'fleet_restored');
  expect(lines).toHaveLength(2);
  clock.runUntil(61_000);
  expect(lines.slice(2)).toEqual([
    'warn sluice: degraded [fleet_degraded] (and 1 more like it)',
    'warn sluice: restored [fleet_restored] (and 1 more like it)',
  ]);
  change(70_000, 'fleet_degraded');
  clock.runUntil(119_000);
  expect(lines).toHaveLength(4);
  clock.runUntil(500_000);
  expect(lines.slice(4)).toEqual(['warn sluice: degraded [fleet_degraded]']);
});

test.each([
  ['throws', () => fails()],
  ['rejects', async () => fails()],
])('a logger or a sink that %s reaches nobody, not even later', async (_what, write) => {
  const clock = new VirtualClock();
  const rejections = await unheardRejections(() => {
    const logger = shielded({ debug: write, info: write, warn: write, error: write });
    for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level]({ code: 'x' }, 'y');
    const onConsole = consoleLogger({ quietMs: 100, clock, sink: { warn: write, error: write } });
    for (const code of ['x', 'x', 'y', 'y']) onConsole[code === 'x' ? 'warn' : 'error']({ code }, 'said twice');
    // What was left out is written by a timer, which nobody shields.
    clock.runUntil(1_000);
  });
  expect(rejections).toEqual([]);
});

test('the silent logger writes nothing', () => {
  expect(() => silentLogger.error({ code: 'x' }, 'y')).not.toThrow();
});
