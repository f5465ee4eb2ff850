import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Deadline, DeadlineTimer } from '../../../src/admission/deadline-timer.js';
import { CountingClock } from './counting-clock.js';

/** A timer on a clock of its own that starts at 0, and a log of what fell due. */
function bench() {
  const clock = new CountingClock();
  const timer = new DeadlineTimer(clock);
  const log: [name: string, atMs: number][] = [];
  const deadline = (name: string, then: (nowMs: number) => void = () => {}): Deadline => ({
    dueAtMs: 0,
    heapIndex: -1,
    onDue: (nowMs) => {
      log.push([name, nowMs]);
      then(nowMs);
    },
  });
  const set = (one: Deadline, atMs: number): void => timer.set(one, atMs, clock.nowMs());
  return { clock, timer, log, deadline, set };
}

describe('DeadlineTimer', () => {
  it('calls each deadline once, at its instant, whatever the order in which they are set', () => {
    const { clock, timer, log, deadline, set } = bench();
    for (const [name, atMs] of [
      ['b', 20],
      ['d', 500],
      ['a', 10],
      ['c', 20],
    ] as const) {
      set(deadline(name), atMs);
    }
    clock.advance(19);
    expect(log).toEqual([['a', 10]]);
    clock.advance(10_000);
    expect(log.map(([, atMs]) => atMs)).toEqual([10, 20, 20, 500]);
    expect([timer.size, clock.armed]).toEqual([0, 0]);
  });

  it('moves and clears, and takes Infinity for no deadline', () => {
    const { clock, timer, log, deadline, set } = bench();
    const [later, sooner, cleared, never, endless] = ['later', 'sooner', 'cleared', 'never', 'endless'].map((name) =>
      deadline(name),
    ) as [Deadline, Deadline, Deadline, Deadline, Deadline];
    for (const one of [later, sooner, cleared, endless]) set(one, 50);
    set(later, 80);
    set(sooner, 10);
    timer.clear(cleared);
    set(endless, Number.POSITIVE_INFINITY);
    set(never, Number.POSITIVE_INFINITY);
    expect(timer.size).toBe(2);
    clock.advance(1_000);
    expect(log).toEqual([
      ['sooner', 10],
      ['later', 80],
    ]);
  });

  it('arms one timer for all of them, and leaves it armed when a deadline is cleared', () => {
    const { clock, timer, log, deadline, set } = bench();
    const first = deadline('first');
    for (let atMs = 100; atMs > 0; atMs -= 10) set(atMs === 10 ? first : deadline(`at ${atMs}`), atMs);
    expect(clock.armed).toBe(1);
    timer.clear(first);
    expect(clock.armed).toBe(1);
    clock.advance(15);
    expect([log, clock.armed]).toEqual([[], 1]);
    clock.advance(5);
    expect(log).toEqual([['at 20', 20]]);
  });

  it('can be set again by its own call', () => {
    const { clock, log, deadline, set } = bench();
    const again: Deadline = deadline('again', () => log.length < 3 && set(again, log.length * 100));
    set(again, 50);
    clock.advance(1_000);
    expect(log.map(([, atMs]) => atMs)).toEqual([50, 100, 200]);
  });

  it.each<[stallMs: number, called: string[]]>([
    [50, ['left', 'stays']],
    [61, ['stays']],
  ])('after a stall of %d ms calls %j: a long one lets the input that arrived go first', (stallMs, called) => {
    const { clock, timer, log, deadline, set } = bench();
    const left = deadline('left');
    set(left, 10);
    set(deadline('stays'), 10);
    clock.spend(stallMs);
    clock.input(0, () => timer.clear(left));
    clock.advance(0);
    expect(log.map(([name]) => name)).toEqual(called);
  });

  it('works a crowd off in turns of 8 ms, with input in between', () => {
    const { clock, log, deadline, set } = bench();
    for (let n = 0; n < 100; n++)
      set(
        deadline('due', () => clock.spend(1)),
        10,
      );
    clock.input(11, () => log.push(['input', 0]));
    clock.advance(10);
    const turns = log.map(([name]) => name);
    expect(turns.indexOf('input')).toBe(16);
    expect(turns.filter((name) => name === 'due')).toHaveLength(100);
  });

  it('tells each call the time within 16 calls', () => {
    const { clock, log, deadline, set } = bench();
    for (let n = 0; n < 20; n++)
      set(
        deadline('due', () => clock.spend(0.25)),
        10,
      );
    clock.advance(10);
    expect(new Set(log.slice(0, 16).map(([, atMs]) => atMs))).toEqual(new Set([10]));
    expect(new Set(log.slice(16).map(([, atMs]) => atMs))).toEqual(new Set([14]));
  });

  it('calls nothing once it is stopped, whether set before or after, armed or waiting for its turn', () => {
    for (const stallMs of [0, 200]) {
      const { clock, timer, log, deadline, set } = bench();
      set(deadline('before'), 10);
      clock.spend(stallMs);
      // In the late case the timer fires first, and its turn is still to come.
      clock.after(0, () => timer.stop());
      clock.advance(0);
      set(deadline('after'), 20);
      clock.advance(1_000);
      expect([log, clock.armed]).toEqual([[], 0]);
    }
  });

  it('property: whatever is set, moved and cleared, each falls due once, never early and never more than 1 ms late', () => {
    const step = fc.record({
      waitMs: fc.double({ min: 0, max: 30, noNaN: true }),
      which: fc.integer({ min: 0, max: 9 }),
      inMs: fc.oneof(fc.double({ min: 0, max: 100, noNaN: true }), fc.constant(undefined)),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const clock = new CountingClock();
        const timer = new DeadlineTimer(clock);
        const due = new Map<number, number>();
        const all = Array.from(
          { length: 10 },
          (_, index): Deadline => ({
            dueAtMs: 0,
            heapIndex: -1,
            onDue: (nowMs) => {
              const atMs = due.get(index) ?? Number.NaN;
              expect(nowMs).toBeGreaterThanOrEqual(atMs);
              expect(nowMs).toBeLessThanOrEqual(atMs + 1);
              due.delete(index);
            },
          }),
        );
        for (const { waitMs, which, inMs } of steps) {
          clock.advance(waitMs);
          const one = all[which];
          if (one === undefined) continue;
          if (inMs === undefined) {
            timer.clear(one);
            due.delete(which);
          } else {
            due.set(which, clock.nowMs() + inMs);
            timer.set(one, clock.nowMs() + inMs, clock.nowMs());
          }
          expect(timer.size).toBe(due.size);
        }
        clock.advance(200);
        expect([due.size, timer.size, clock.armed]).toEqual([0, 0, 0]);
      }),
    );
  });
});
