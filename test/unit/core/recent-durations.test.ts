import { describe, expect, it } from 'vitest';
import { RecentDurations } from '../../../src/core/recent-durations.js';
import { ServiceTimes } from '../../../src/core/service-times.js';

const recalled = (recent: { recall(): number | undefined }, count: number): (number | undefined)[] =>
  Array.from({ length: count }, () => recent.recall());

describe('recent durations', () => {
  it('are recalled each in its turn, and nothing before the first', () => {
    const recent = new RecentDurations();
    expect(recent.recall()).toBeUndefined();
    for (const ms of [5, 7, 9]) recent.note(ms);
    expect(recalled(recent, 7)).toEqual([5, 7, 9, 5, 7, 9, 5]);
  });

  it('are the last 256', () => {
    const recent = new RecentDurations();
    for (let ms = 0; ms < 300; ms++) recent.note(ms);
    const all = recalled(recent, 256);
    expect(new Set(all).size).toBe(256);
    expect(Math.min(...all.map((ms) => ms ?? -1))).toBe(44);
  });
});

describe('service times', () => {
  it('recall what they were told to remember, which is no part of the estimates', () => {
    const times = new ServiceTimes();
    times.record(0, 10);
    expect(times.recall()).toBeUndefined();
    times.remember(50);
    expect([times.recall(), times.samples]).toEqual([50, 1]);
    expect(times.p90(0)).toBeLessThan(11);
  });
});
