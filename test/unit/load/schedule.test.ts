import { describe, expect, it } from 'vitest';
import { ArrivalSchedule, type ArrivalStream } from '../../load/schedule.js';

const checkout: ArrivalStream = { name: 'checkout', kind: 'poisson', ratePerSecond: 500 };
const reports: ArrivalStream = { name: 'reports', kind: 'uniform', ratePerSecond: 30 };

function take(streams: readonly ArrivalStream[], seed: number, count: number): { stream: number; atMs: number }[] {
  const schedule = new ArrivalSchedule(streams, seed);
  return Array.from({ length: count }, () => schedule.take() ?? { stream: -1, atMs: Number.NaN });
}

describe('ArrivalSchedule', () => {
  it('repeats itself for the same seed and differs for another', () => {
    expect(take([checkout, reports], 7, 500)).toEqual(take([checkout, reports], 7, 500));
    expect(take([checkout], 7, 10)).not.toEqual(take([checkout], 8, 10));
  });

  it('gives every arrival in order, at the instant that peekMs announced', () => {
    const schedule = new ArrivalSchedule([checkout, reports], 3);
    let lastMs = 0;
    for (let index = 0; index < 2_000; index += 1) {
      const announcedMs = schedule.peekMs();
      expect(schedule.take()?.atMs).toBe(announcedMs);
      expect(announcedMs).toBeGreaterThanOrEqual(lastMs);
      lastMs = announcedMs;
    }
  });

  it('leaves the arrivals of a stream as they were when another is added', () => {
    const alone = take([checkout], 11, 300).map(({ atMs }) => atMs);
    const beside = take([reports, checkout], 11, 400).filter(({ stream }) => stream === 1);
    expect(beside.slice(0, 300).map(({ atMs }) => atMs)).toEqual(alone);
  });

  it('draws exponential gaps with the mean of the rate for a Poisson stream', () => {
    const instants = take([checkout], 5, 20_000).map(({ atMs }) => atMs);
    const gaps = instants.map((atMs, index) => atMs - (instants[index - 1] ?? 0));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
    expect(mean).toBeGreaterThan(1.95);
    expect(mean).toBeLessThan(2.05);
    expect(deviation / mean).toBeGreaterThan(0.97);
    expect(deviation / mean).toBeLessThan(1.03);
  });

  it('keeps equal gaps for a uniform stream', () => {
    const instants = take([reports], 5, 100).map(({ atMs }) => atMs);
    for (const [index, atMs] of instants.slice(1).entries()) {
      expect(atMs - (instants[index] ?? Number.NaN)).toBeCloseTo(1_000 / 30, 6);
    }
  });

  it('lets a stream flow in its part of the run only, and then falls silent', () => {
    const part = { ...checkout, fromMs: 2_000, toMs: 2_500 };
    const schedule = new ArrivalSchedule([part, { ...reports, toMs: 1_000 }], 9);
    const instants: number[][] = [[], []];
    for (let next = schedule.take(); next !== undefined; next = schedule.take()) instants[next.stream]?.push(next.atMs);
    expect(instants[0]?.length).toBeGreaterThan(200);
    expect(instants[0]?.every((atMs) => atMs >= 2_000 && atMs < 2_500)).toBe(true);
    expect(instants[1]).toHaveLength(30);
    expect(schedule.peekMs()).toBe(Number.POSITIVE_INFINITY);
  });

  it('is endless silence without streams, and refuses a rate of 0', () => {
    expect(new ArrivalSchedule([], 1).peekMs()).toBe(Number.POSITIVE_INFINITY);
    expect(new ArrivalSchedule([], 1).take()).toBeUndefined();
    expect(() => new ArrivalSchedule([{ ...reports, ratePerSecond: 0 }], 1)).toThrow(/"reports".*above 0/);
  });
});
