import { expect, it } from 'vitest';
import { Comeback } from '../../../src/core/fleet-comeback.js';

/** Good answers every 100 ms from an instant on, until it is back; how long that took. */
function calmOf(comeback: Comeback, fromMs: number): number {
  for (let nowMs = fromMs; ; nowMs += 100) if (comeback.good(nowMs)) return nowMs - fromMs;
}

it('is back with the first good answer', () => {
  const comeback = new Comeback();
  expect(comeback.good(0)).toBe(true);
  comeback.lost(60_000);
  comeback.bad();
  expect(comeback.good(61_000)).toBe(true);
});

it('asks for a calm that grows where the return did not last, and forgets that after one that did', () => {
  const comeback = new Comeback();
  let nowMs = 60_000;
  const calms = Array.from({ length: 9 }, () => {
    comeback.lost(nowMs);
    const calmMs = calmOf(comeback, nowMs + 100);
    nowMs += 100 + calmMs + 10;
    return calmMs;
  });
  expect(calms).toEqual([0, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  comeback.lost(nowMs + 59_000);
  expect(calmOf(comeback, nowMs + 60_000)).toBe(30_000);
  comeback.lost(nowMs + 90_000 + 60_000);
  expect(calmOf(comeback, nowMs + 150_000)).toBe(0);
});

it('begins the calm anew with each answer that is not good', () => {
  const comeback = new Comeback();
  comeback.good(0);
  comeback.lost(10);
  expect(comeback.good(100)).toBe(false);
  expect(comeback.good(500)).toBe(false);
  comeback.bad();
  expect(calmOf(comeback, 600)).toBe(500);
});
