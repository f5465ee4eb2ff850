import { describe, expect, it } from 'vitest';
import { HoldWindow } from '../../../src/core/hold-window.js';

/** Sixteen at a time, all ending together, every `heldMs`. */
function lockStep(window: HoldWindow, seats: number, heldMs: number, rounds: number, workMs = 10, quietMs?: number) {
  for (let round = 1; round <= rounds; round++) {
    for (let seat = 0; seat < seats; seat++) window.done(round * heldMs, heldMs, workMs, quietMs);
  }
  return window.figures(rounds * heldMs);
}

describe('a window of hold times', () => {
  it('tells throughput in seats of quiet work, without an error at its ends', () => {
    const window = new HoldWindow();
    window.begin(0, 16);
    // 16 requests every 20 ms, each worth 10 ms: half of 16 seats.
    expect(lockStep(window, 16, 20, 11)).toEqual({ throughput: 8, congested: undefined, strained: false });
  });

  it('does not count what got its seat before', () => {
    const window = new HoldWindow();
    window.begin(1_000, 2);
    for (let count = 0; count < 100; count++) window.done(1_300, 301, 10, 10);
    expect(window.figures(1_300)).toBeUndefined();
    for (let count = 0; count < 20; count++) window.done(1_300, 20, 10, 10);
    expect(window.figures(1_300)?.throughput).toBe(1);
  });

  it('waits until the throughput is known, or there is enough', () => {
    const window = new HoldWindow();
    window.begin(0, 1);
    for (let count = 0; count < 99; count++) window.done(300, count % 2 === 0 ? 10 : 200, 10, undefined);
    expect(window.figures(300)).toBeUndefined();
    window.done(300, 200, 10, undefined);
    expect(window.figures(300)).toBeDefined();
  });

  it.each([
    ['one length each', () => [10, 10], 20],
    ['two routes, each as long as it should be', (n: number) => (n % 2 === 0 ? [5, 5] : [500, 500]), 20],
    ['a spread of 9 % of the mean', (n: number) => (n % 2 === 0 ? [9.1, 10] : [10.9, 10]), 21],
    ['a spread of 50 % of the mean', (n: number) => (n % 2 === 0 ? [5, 10] : [15, 10]), 100],
  ])('%s: known after %s requests', (_, draw, enough) => {
    const window = new HoldWindow();
    window.begin(0, 1);
    let count = 0;
    while (window.figures(1_000) === undefined) {
      const [heldMs = 0, workMs = 0] = draw(count++);
      window.done(1_000, heldMs, workMs, undefined);
    }
    expect(count).toBe(enough);
  });

  it('waits for three rounds of the seats, and for two looks', () => {
    const window = new HoldWindow();
    window.begin(0, 16);
    for (let count = 0; count < 47; count++) window.done(200, 10, 10, undefined);
    expect(window.figures(200)).toBeUndefined();
    window.done(200, 10, 10, undefined);
    expect(window.figures(199)).toBeUndefined();
    expect(window.figures(200)).toBeDefined();
  });

  it('counts the time of what came to nothing, and no work', () => {
    const window = new HoldWindow();
    window.begin(0, 4);
    for (let count = 0; count < 60; count++) window.done(1_000, 10, 10, 10);
    for (let count = 0; count < 40; count++) window.wasted(1_000, 10, false);
    expect(window.figures(1_000)).toEqual({ throughput: 2.4, congested: false, strained: false });
  });

  it.each([
    [10, 0, false],
    [11, 0, true],
    [0, 10, false],
    [0, 11, true],
    [6, 5, true],
  ])('%s at their deadline, %s statements stopped: strained %s, whatever their time', (late, stopped, strained) => {
    const window = new HoldWindow();
    window.begin(0, 4);
    for (let count = 0; count < stopped; count++) window.strain();
    for (let count = 0; count < late; count++) window.wasted(1_000, 10, true);
    for (let count = late; count < 100; count++) window.done(1_000, 10, 10, 10);
    expect(window.figures(1_000)).toMatchObject({ congested: strained, strained });
  });

  it('begins anew', () => {
    const window = new HoldWindow();
    window.begin(0, 4);
    for (let count = 0; count < 100; count++) window.wasted(1_000, 100, true);
    for (let count = 0; count < 100; count++) window.done(1_000, 100, 10, 10);
    window.close();
    window.strain();
    expect(window.open).toBe(false);
    expect(window.figures(1_000)).toBeUndefined();
    window.begin(1_000, 2);
    for (let count = 0; count < 20; count++) window.done(1_300, 10, 10, 10);
    expect(window.figures(1_300)).toEqual({ throughput: 2, congested: false, strained: false });
  });

  it('knows of congestion only where it is known of most of them', () => {
    const window = new HoldWindow();
    window.begin(0, 4);
    for (let count = 0; count < 49; count++) window.done(1_000, 100, 10, 10);
    for (let count = 0; count < 51; count++) window.done(1_000, 100, 10, undefined);
    expect(window.figures(1_000)?.congested).toBeUndefined();
    window.done(1_000, 100, 10, 10);
    window.done(1_000, 100, 10, 10);
    expect(window.figures(1_000)?.congested).toBe(true);
  });

  it.each([
    [14, 10, false],
    [16, 10, true],
    [16, undefined, undefined],
  ])('held for %s ms where %s is quiet: congested %s', (heldMs, quietMs, congested) => {
    const window = new HoldWindow();
    window.begin(0, 4);
    expect(lockStep(window, 4, heldMs, 20, 10, quietMs)?.congested).toBe(congested);
  });

  it('is over when the seats are not full', () => {
    const window = new HoldWindow();
    window.begin(0, 4);
    expect([true, true, true, true, false].map((full) => window.look(full))).toEqual([true, true, true, true, true]);
    expect(window.look(false)).toBe(false);
    window.begin(0, 4);
    expect(window.look(false)).toBe(true);
  });
});
