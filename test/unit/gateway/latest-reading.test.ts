import { describe, expect, it } from 'vitest';
import { LatestReading } from '../../../src/gateway/latest-reading.js';
import { VirtualClock } from '../../support/virtual-clock.js';

/** Something whose figures are its age, unless it cannot be asked. */
function source(): { reading: LatestReading<number>; ask(atMs: number): Promise<number | undefined>; state: State } {
  const clock = new VirtualClock();
  const state: State = { busy: false, broken: false, reads: 0 };
  const reading = new LatestReading(clock, () => {
    if (state.busy) return undefined;
    state.reads += 1;
    return state.broken ? Promise.reject(new Error('gone')) : Promise.resolve(clock.nowMs());
  });
  return {
    reading,
    state,
    ask: async (atMs) => {
      clock.runUntil(atMs);
      const figures = reading.figures(clock.nowMs());
      // What was begun is over before the next one asks.
      await new Promise(setImmediate);
      return figures;
    },
  };
}

interface State {
  busy: boolean;
  broken: boolean;
  reads: number;
}

describe('figures from elsewhere', () => {
  it('are those of the time before, and read no more often than every two seconds', async () => {
    const { ask, state } = source();
    expect(await ask(0)).toBeUndefined();
    expect(await ask(1_000)).toBe(0);
    expect(state.reads).toBe(1);
    // As often as most scrape, and as seldom as some do.
    expect(await ask(16_000)).toBe(0);
    expect(await ask(76_500)).toBe(16_000);
    expect(await ask(152_000)).toBeUndefined();
  });

  it.each(['busy', 'broken'] as const)('are missing soon, not old, where what they are of is %s', async (trouble) => {
    const { ask, state } = source();
    await ask(0);
    expect(await ask(5_000)).toBe(0);
    state[trouble] = true;
    expect(await ask(9_000)).toBe(5_000);
    expect(await ask(15_000)).toBe(5_000);
    expect(await ask(15_001)).toBeUndefined();
    expect(await ask(30_000)).toBeUndefined();
    state[trouble] = false;
    await ask(45_000);
    expect(await ask(46_000)).toBe(45_000);
  });

  it('of a busy server are missing at the next scrape, which comes after 15 seconds', async () => {
    const { ask, state } = source();
    await ask(0);
    expect(await ask(15_000)).toBe(0);
    state.busy = true;
    expect(await ask(30_000)).toBeUndefined();
  });
});
