import { describe, expect, it } from 'vitest';
import { EventLoopGuard } from '../../../src/admission/event-loop-guard.js';
import { LoopLag } from '../../../src/admission/loop-lag.js';
import { PRIORITY_RANKS } from '../../../src/core/priority.js';
import { CountingClock } from './counting-clock.js';

const MAX_LAG_MS = 100;

/** A guard over a loop on a virtual clock: what is spent is work, the rest is waiting. */
function setUp({ beforeMs = 0 } = {}) {
  const clock = new CountingClock();
  let active = 0;
  // A process that has waited for a day, so that its work so far weighs nothing in the whole.
  const times = () => ({ idle: beforeMs + clock.nowMs() - active, active });
  const lag = new LoopLag(clock, EventLoopGuard.mostPerTurnMs(MAX_LAG_MS));
  const guard = new EventLoopGuard(lag, MAX_LAG_MS, times);
  /** Turns of so much work each, one after the other. */
  const work = (turnMs: number, turns: number): void => {
    for (let turn = 0; turn < turns; turn++) {
      active += turnMs;
      clock.spend(turnMs);
      clock.advance(0);
    }
  };
  const shed = () => PRIORITY_RANKS.filter((rank) => guard.sheds(clock.nowMs(), rank));
  return { clock, lag, guard, work, shed };
}

describe('EventLoopGuard', () => {
  it('sheds nobody while the loop is in time', () => {
    const { clock, work, shed } = setUp();
    clock.advance(10_000);
    work(20, 1_000);
    expect(shed()).toEqual([]);
  });

  it.each<[turnMs: number, shed: readonly number[]]>([
    [110, []],
    [160, [3]],
    [190, [2, 3]],
    [300, [1, 2, 3]],
    [2_000, [1, 2, 3]],
  ])('sheds by class where turns of %d ms follow each other: %j', (turnMs, expected) => {
    const { clock, work, shed } = setUp();
    clock.advance(5_000);
    work(turnMs, 40);
    expect(shed()).toEqual(expected);
  });

  it('renews its baseline: a day of rest before does not hide that the loop is busy now', () => {
    const { clock, work, shed } = setUp({ beforeMs: 86_400_000 });
    clock.advance(60_000);
    work(300, 10);
    expect(shed()).toEqual([1, 2, 3]);
  });

  it('takes a process that was suspended for one that rested', () => {
    const { clock, lag, shed } = setUp();
    clock.advance(5_000);
    for (let time = 0; time < 10; time++) {
      clock.spend(60_000);
      expect(shed()).toEqual([]);
      clock.advance(0);
      expect(shed()).toEqual([]);
    }
    expect(lag.averageMs(clock.nowMs())).toBeGreaterThan(3 * MAX_LAG_MS);
  });

  it.each([300, 5_000])('sheds nobody for one stall of %d ms, whenever it looked last', (stallMs) => {
    for (let restMs = 5_000; restMs < 5_260; restMs += 10) {
      const { clock, work, shed } = setUp();
      clock.advance(restMs);
      work(stallMs, 1);
      for (let step = 0; step < 50; step++) {
        expect(shed()).toEqual([]);
        clock.advance(10);
      }
    }
  });

  it('sees a long turn before any timer has told of it', () => {
    const { clock, guard, work } = setUp();
    work(20, 100);
    let active = 0;
    const lag = new LoopLag(clock, EventLoopGuard.mostPerTurnMs(MAX_LAG_MS));
    const inTurn = new EventLoopGuard(lag, MAX_LAG_MS, () => ({ idle: 0, active }));
    const turn = (): void => {
      active += 2_000;
      clock.spend(2_000);
    };
    turn();
    expect(inTurn.sheds(clock.nowMs(), 3)).toBe(false);
    clock.advance(0);
    turn();
    expect(inTurn.sheds(clock.nowMs(), 3)).toBe(true);
    expect(guard.sheds(clock.nowMs(), 0)).toBe(false);
  });

  it('admits again when it is over, though not at once', () => {
    const { clock, work, shed } = setUp();
    work(300, 20);
    clock.advance(200);
    expect(shed()).toEqual([1, 2, 3]);
    clock.advance(1_000);
    expect(shed()).toEqual([]);
  });

  it('leaves no timer behind', () => {
    const { clock, lag } = setUp();
    clock.advance(1_000);
    expect(clock.armed).toBe(1);
    lag.stop();
    expect(clock.armed).toBe(0);
  });
});
