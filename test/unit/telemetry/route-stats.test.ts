import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ERROR_CODES } from '../../../src/errors.js';
import { ROUTE_OUTCOMES, RouteStats } from '../../../src/telemetry/route-stats.js';

const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0);

/** One request's whole life, as far as the counters see it. */
const life = fc.record({
  waits: fc.boolean(),
  fate: fc.oneof(
    fc.record({ kind: fc.constant('shed' as const), code: fc.constantFrom(...ERROR_CODES) }),
    fc.record({ kind: fc.constant('abandon' as const) }),
    fc.record({ kind: fc.constant('undecided' as const) }),
    fc.record({ kind: fc.constant('in-flight' as const) }),
    fc.record({ kind: fc.constant('end' as const), outcome: fc.constantFrom(...ROUTE_OUTCOMES) }),
  ),
});

test('every request is in exactly one place', () => {
  fc.assert(
    fc.property(fc.array(life, { maxLength: 200 }), (lives) => {
      const stats = new RouteStats();
      const seen = { shed: 0, abandon: 0, undecided: 0, 'in-flight': 0, end: 0 };
      for (const { waits, fate } of lives) {
        seen[fate.kind] += 1;
        stats.arrive();
        if (waits) stats.enqueue();
        if (fate.kind === 'shed') stats.shedWith(fate.code);
        if (fate.kind === 'abandon') stats.abandon();
        if (fate.kind === 'in-flight' || fate.kind === 'end') stats.admit(waits ? 12 : 0);
        if (fate.kind === 'end') stats.end(fate.outcome, 20);
      }
      expect(stats.arrived).toBe(lives.length);
      expect(stats.arrived).toBe(stats.admitted + stats.shed + stats.abandonedBeforeAdmission + stats.undecided);
      expect(stats.admitted).toBe(stats.ended + stats.inFlight);
      expect(stats.undecided).toBe(seen.undecided);
      expect(stats.inFlight).toBe(seen['in-flight']);
      expect(stats.shed).toBe(seen.shed);
      expect(sum(stats.shedByCode)).toBe(stats.shed);
      expect(sum(stats.outcomes)).toBe(stats.ended);
      expect(stats.queueWait.count).toBe(stats.admitted);
      expect(stats.seatHold.count).toBe(stats.ended);
      expect(stats.queued).toBe(lives.filter((one) => one.waits).length);
    }),
  );
});

test('each error code has its own count', () => {
  const stats = new RouteStats();
  for (const [index, code] of ERROR_CODES.entries()) {
    for (let times = 0; times <= index; times += 1) stats.shedWith(code);
  }
  expect(ERROR_CODES.map((code) => stats.shedByCode[code])).toEqual(ERROR_CODES.map((_, index) => index + 1));
});

test('what would have been shed and errors after admission do not count as shed', () => {
  const stats = new RouteStats();
  stats.wouldShed('queue_full');
  stats.answerWith('deadline_expired');
  expect(stats.wouldShedByCode.queue_full).toBe(1);
  expect(stats.errorsByCode.deadline_expired).toBe(1);
  expect(stats.shed).toBe(0);
  expect(sum(stats.shedByCode)).toBe(0);
});

test('what handlers and callers did amiss is counted', () => {
  const stats = new RouteStats();
  stats.swallowLateWrite();
  stats.ignoreBudget();
  stats.ignoreBudget();
  for (let each = 0; each < 3; each++) stats.returnDirty();
  for (let each = 0; each < 4; each++) stats.noteSilence();
  for (let each = 0; each < 5; each++) stats.noteKept();
  const { lateWrites, budgetsIgnored, dirtyReturns, silentHandlers, keptConnections } = stats;
  expect([lateWrites, budgetsIgnored, dirtyReturns, silentHandlers, keptConnections]).toEqual([1, 2, 3, 4, 5]);
});
