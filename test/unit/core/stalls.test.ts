import { describe, expect, it } from 'vitest';
import { Stalls } from '../../../src/core/stalls.js';

describe('Stalls', () => {
  it.each<[fromMs: number, toMs: number, stalledMs: number]>([
    [0, 50, 0],
    [0, 100, 0],
    [0, 150, 50],
    [0, 250, 100],
    [120, 180, 60],
    [120, 1_000, 130],
    [0, 1_000, 150],
    [200, 900, 0],
    [1_000, 2_000, 0],
  ])('from %d to %d nobody looked for %d ms', (fromMs, toMs, stalledMs) => {
    const stalls = new Stalls();
    stalls.note(200, 100);
    stalls.note(950, 50);
    expect(stalls.within(fromMs, toMs)).toBe(stalledMs);
  });

  it('takes a stall off a request that ran across it, so that its route does not look slow', () => {
    const stalls = new Stalls();
    stalls.note(600, 500);
    expect(610 - 90 - stalls.within(90, 610)).toBe(20);
  });

  it('remembers the latest only', () => {
    const stalls = new Stalls();
    for (let n = 1; n <= 100; n++) stalls.note(n * 10, 5);
    expect(stalls.within(0, 1_000)).toBe(32 * 5);
    expect(stalls.within(800, 1_000)).toBe(20 * 5);
  });
});
