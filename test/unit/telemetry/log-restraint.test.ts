import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/telemetry/log.js';
import { restrained } from '../../../src/telemetry/log-restraint.js';
import { VirtualClock } from '../../support/virtual-clock.js';

function setUp() {
  const lines: string[] = [];
  const abouts: unknown[] = [];
  const clock = new VirtualClock();
  const write = (level: string) => (about: object, message: string) => {
    lines.push(`${level} ${message}`);
    abouts.push(about);
  };
  const logger = restrained({ ...silentLogger, warn: write('warn'), error: write('error') }, clock);
  return { lines, abouts, clock, logger };
}

test.each(['handler_silent', 'connection_not_returned', 'work_after_answer'])(
  'a mistake of a route (%s) is said once for each route',
  (code) => {
    const { lines, abouts, clock, logger } = setUp();
    for (let hour = 0; hour < 3; hour += 1) {
      for (const route of ['a', 'b', 'a']) logger.warn({ code, route }, `${route} again`);
      clock.runUntil((hour + 1) * 3_600_000);
    }
    expect(lines).toEqual(['warn a again', 'warn b again']);
    expect(abouts).toEqual([
      { code, route: 'a' },
      { code, route: 'b' },
    ]);
  },
);

test.each([
  ['warn', 'commit_waits', 'route'],
  ['warn', 'commit_unanswered', 'route'],
  ['error', 'failed_after_answer', 'route'],
  ['warn', 'database_session_stuck', 'pool'],
  ['warn', 'pooler_session_stuck', 'pool'],
  ['warn', 'clients_turned_away', 'none'],
] as const)('trouble that comes back (%s %s) is said once a minute at most, with how often', (level, code, of) => {
  const { lines, abouts, clock, logger } = setUp();
  for (let turn = 0; turn < 3; turn += 1) logger[level]({ code, [of]: 'main', turn }, `trouble ${turn}`);
  expect(lines).toEqual([`${level} trouble 0`]);
  clock.runUntil(61_000);
  expect(lines.slice(1)).toEqual([`${level} trouble 2 (and 1 more like it)`]);
  expect(abouts.at(-1)).toEqual({ code, [of]: 'main', turn: 2 });
  clock.runUntil(200_000);
  expect(lines).toHaveLength(2);
});

test('each pool has its own minute', () => {
  const { lines, logger } = setUp();
  for (const pool of ['one', 'other', 'one']) logger.warn({ code: 'database_session_stuck', pool }, pool);
  expect(lines).toEqual(['warn one', 'warn other']);
});

test('changes of state are all said, and so is what has no code', () => {
  const { lines, logger } = setUp();
  for (let turn = 0; turn < 2; turn += 1) {
    logger.warn({ code: 'database_unreachable', pool: 'main' }, 'away');
    logger.warn({ code: 'database_reachable', pool: 'main' }, 'back');
    logger.warn({ change: turn }, 'changed');
  }
  expect(lines).toHaveLength(6);
});
