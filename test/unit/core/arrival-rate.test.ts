import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArrivalRate } from '../../../src/core/arrival-rate.js';

function arrive(rate: ArrivalRate, fromMs: number, toMs: number, perSecond: number): void {
  const stepMs = 1_000 / perSecond;
  for (let index = 0; fromMs + index * stepMs < toMs; index++) rate.note(fromMs + index * stepMs);
}

describe('ArrivalRate', () => {
  it('is 0 before the first arrival', () => {
    expect(new ArrivalRate().perSecond(1e9)).toBe(0);
  });

  it('does not take a first burst for thousands a second', () => {
    const rate = new ArrivalRate();
    for (let index = 0; index < 20; index++) rate.note(5_000 + index / 100);
    expect(rate.perSecond(5_000.2)).toBeGreaterThan(19);
    expect(rate.perSecond(5_000.2)).toBeLessThan(23);
    expect(rate.perSecond(7_000)).toBeLessThan(12);
  });

  it.each([0.5, 3, 100, 1_500])('finds a steady %d/s after two seconds, and keeps it', (perSecond) => {
    const rate = new ArrivalRate();
    arrive(rate, 1_000, 3_000, perSecond);
    if (perSecond >= 3) expect(Math.abs(rate.perSecond(3_000) / perSecond - 1)).toBeLessThan(0.25);
    arrive(rate, 3_000, 120_000, perSecond);
    expect(Math.abs(rate.perSecond(120_000) / perSecond - 1)).toBeLessThan(0.1);
  });

  it('follows a change by half within one half-life', () => {
    const rate = new ArrivalRate(5_000);
    arrive(rate, 0, 60_000, 100);
    arrive(rate, 60_000, 65_000, 300);
    expect(rate.perSecond(65_000)).toBeCloseTo(200, -1);
    expect(rate.perSecond(70_000)).toBeCloseTo(100, -1);
    expect(rate.perSecond(1e9)).toBe(0);
  });

  it('lets no instant before the latest one count for anything but an arrival', () => {
    const rate = new ArrivalRate();
    rate.note(10_000);
    rate.note(0);
    expect(rate.perSecond(0)).toBe(rate.perSecond(10_000));
    expect(rate.perSecond(10_000)).toBeCloseTo(2.1, 1);
  });

  it('refuses a senseless half-life by name', () => {
    expect(() => new ArrivalRate(0)).toThrow(/halfLifeMs is 0/);
  });

  it('property: never above the number of arrivals of the last seconds and of one second', () => {
    const steps = fc.array(fc.double({ min: 0, max: 2_000, noNaN: true }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(steps, (gapsMs) => {
        const rate = new ArrivalRate();
        let nowMs = 0;
        for (const [index, gapMs] of gapsMs.entries()) {
          nowMs += gapMs;
          rate.note(nowMs);
          expect(rate.perSecond(nowMs)).toBeGreaterThan(0);
          expect(rate.perSecond(nowMs)).toBeLessThanOrEqual((index + 1) * 1.1);
        }
      }),
    );
  });
});
