import { describe, expect, it } from 'vitest';
import { Patience } from '../../../src/core/patience.js';

/** For how long it is not ready, from 0 on. */
function waitMs(patience: Patience, nowMs: number): number {
  let ms = 0;
  while (!patience.ready(nowMs + ms)) ms += 1_000;
  return ms;
}

describe('patience', () => {
  it('has none at first, and waits longer each time', () => {
    const patience = new Patience();
    expect(patience.ready(-1e9)).toBe(true);
    const waits = [];
    for (let nowMs = 0; waits.length < 5; nowMs += 100_000) {
      patience.wait(nowMs, 500);
      waits.push(waitMs(patience, nowMs));
    }
    expect(waits).toEqual([5_000, 10_000, 20_000, 30_000, 30_000]);
  });

  it('waits five times as long as a long trial took, and forty times at last', () => {
    const patience = new Patience();
    patience.wait(0, 3_000);
    expect(waitMs(patience, 0)).toBe(15_000);
    for (let count = 0; count < 10; count++) patience.wait(0, 3_000);
    expect(waitMs(patience, 0)).toBe(120_000);
  });

  it('begins anew', () => {
    const patience = new Patience();
    for (let count = 0; count < 4; count++) patience.wait(0, 0);
    patience.reset();
    expect(patience.ready(0)).toBe(true);
    patience.wait(0, 0);
    expect(waitMs(patience, 0)).toBe(5_000);
  });
});
