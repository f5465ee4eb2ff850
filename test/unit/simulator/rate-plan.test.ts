import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RatePlan } from '../../../src/simulator/rate-plan.js';

describe('RatePlan', () => {
  it('spaces even arrivals of a steady rate', () => {
    const plan = new RatePlan([{ perSecond: 100 }]);
    expect(plan.after(0, 1)).toBeCloseTo(10, 9);
    expect(plan.after(10, 1)).toBeCloseTo(20, 9);
  });

  it('goes over steps and silences', () => {
    const plan = new RatePlan([{ perSecond: 10, forMs: 1_000 }, { perSecond: 0, forMs: 500 }, { perSecond: 1_000 }]);
    // Half an arrival is left to come when the silence begins.
    expect(plan.after(950, 1)).toBeCloseTo(1_500.5, 9);
    expect(plan.perSecond(1_200)).toBe(0);
    expect(plan.perSecond(99_999)).toBe(1_000);
  });

  it('never comes when the rate ends at 0', () => {
    expect(new RatePlan([{ perSecond: 1, toPerSecond: 0, forMs: 1_000 }]).after(0, 1)).toBe(Number.POSITIVE_INFINITY);
  });

  it('makes as many arrivals on a ramp as the area under it', () => {
    const plan = new RatePlan([{ perSecond: 0, toPerSecond: 200, forMs: 10_000 }, { perSecond: 0 }]);
    let count = 0;
    for (let atMs = plan.after(0, 1); atMs <= 10_000; atMs = plan.after(atMs, 1)) count++;
    expect(Math.abs(count - 1_000)).toBeLessThanOrEqual(1);
  });

  it('splits anywhere: two steps of half the mass lead as far as one', () => {
    const phase = fc.record({
      perSecond: fc.integer({ min: 0, max: 500 }),
      toPerSecond: fc.integer({ min: 0, max: 500 }),
      forMs: fc.integer({ min: 1, max: 5_000 }),
    });
    fc.assert(
      fc.property(
        fc.array(phase, { minLength: 1, maxLength: 5 }),
        fc.double({ min: 0.1, max: 50, noNaN: true }),
        (phases, mass) => {
          const plan = new RatePlan([...phases, { perSecond: 10 }]);
          const once = plan.after(0, mass);
          const twice = plan.after(plan.after(0, mass / 2), mass / 2);
          expect(Math.abs(once - twice)).toBeLessThan(1e-3 * Math.max(1, once));
        },
      ),
    );
  });
});
