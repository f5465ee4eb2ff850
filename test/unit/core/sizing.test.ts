import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advisePoolSize } from '../../../src/core/sizing.js';

describe('advisePoolSize', () => {
  it('makes 68 of 150 requests with 0.3 operations and a factor of 1.5', () => {
    expect(advisePoolSize({ concurrentRequests: 150, operationsPerRequest: 0.3 })).toEqual({
      demand: 68,
      capacity: undefined,
      budget: undefined,
      recommended: 68,
      binding: 'demand',
    });
  });

  it.each([
    [10, 0.1, 3, 3],
    [100, 0.07, 1, 7],
    [3, 0.1, 10, 3],
    [1, 0.1, 1, 1],
    [1.1, 10, 10, 110],
    [100, 0.3, 1.0001, 31],
  ])(
    'is not led astray by decimal fractions: %d x %d x %d',
    (concurrentRequests, operationsPerRequest, safetyFactor, demand) => {
      expect(advisePoolSize({ concurrentRequests, operationsPerRequest, safetyFactor }).demand).toBe(demand);
    },
  );

  it('names the bound that binds', () => {
    const input = { concurrentRequests: 150, operationsPerRequest: 0.3 };
    expect(advisePoolSize({ ...input, serverCores: 16 })).toMatchObject({
      demand: 68,
      capacity: { low: 48, high: 80 },
      recommended: 68,
      binding: 'demand',
    });
    expect(advisePoolSize({ ...input, serverCores: 16, instances: 2 })).toMatchObject({
      capacity: { low: 24, high: 40 },
      recommended: 40,
      binding: 'capacity',
    });
    expect(advisePoolSize({ ...input, serverCores: 16, budgetShare: 30.9 })).toMatchObject({
      budget: 30,
      recommended: 30,
      binding: 'budget',
    });
    expect(advisePoolSize({ ...input, serverCores: 1, instances: 50 })).toMatchObject({
      capacity: { low: 1, high: 1 },
      recommended: 1,
      binding: 'capacity',
      servedWell: 5,
    });
    expect(advisePoolSize({ ...input, serverCores: 1, instances: 5 })).not.toHaveProperty('servedWell');
  });

  it.each(['concurrentRequests', 'operationsPerRequest', 'safetyFactor', 'serverCores', 'instances', 'budgetShare'])(
    'refuses a senseless %s by name',
    (field) => {
      for (const value of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
        const input = { concurrentRequests: 1, operationsPerRequest: 1, [field]: value };
        expect(() => advisePoolSize(input)).toThrow(new RegExp(`^${field} is ${value}: give`));
      }
    },
  );

  it('property: never above a bound, at least 1, and never fewer for more work', () => {
    const positive = fc.double({ min: 0.01, max: 5_000, noNaN: true });
    const optional = fc.option(fc.integer({ min: 1, max: 500 }), { nil: undefined });
    fc.assert(
      fc.property(positive, positive, positive, optional, optional, (requests, operations, more, cores, share) => {
        const input = { operationsPerRequest: operations, serverCores: cores, budgetShare: share };
        const advice = advisePoolSize({ ...input, concurrentRequests: requests });
        const bounds = [advice.demand, advice.capacity?.high ?? advice.demand, advice.budget ?? advice.demand];
        expect(advice.recommended).toBe(Math.min(...bounds));
        expect(advice.recommended).toBeGreaterThanOrEqual(1);
        const grown = advisePoolSize({ ...input, concurrentRequests: requests + more });
        expect(grown.recommended).toBeGreaterThanOrEqual(advice.recommended);
      }),
    );
  });
});
