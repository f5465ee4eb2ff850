import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RetryBudget } from '../../../src/core/retry-budget.js';

describe('the budget of retries', () => {
  it('begins with what can be saved, and then wants ten pieces of work for each', () => {
    const budget = new RetryBudget();
    expect(Array.from({ length: 12 }, () => budget.take()).filter(Boolean)).toHaveLength(10);
    for (let work = 0; work < 9; work++) budget.pay();
    expect([budget.left, budget.take()]).toEqual([0, false]);
    budget.pay();
    expect([budget.left, budget.take(), budget.take()]).toEqual([1, true, false]);
  });

  it('saves no more than its bound, however long nothing fails', () => {
    const budget = new RetryBudget({ saved: 3 });
    for (let work = 0; work < 100_000; work++) budget.pay();
    expect(budget.left).toBe(3);
  });

  it('property: in every stretch of work, retries are at most a tenth of it and what was saved', () => {
    const step = fc.record({ work: fc.nat(40), retries: fc.nat(40) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (steps, saved) => {
        const budget = new RetryBudget({ saved });
        const done = steps.map(({ work, retries }) => {
          for (let one = 0; one < work; one++) budget.pay();
          return { work, taken: Array.from({ length: retries }, () => budget.take()).filter(Boolean).length };
        });
        for (let from = 0; from < done.length; from++) {
          let work = 0;
          let taken = 0;
          for (const step of done.slice(from)) {
            work += step.work;
            taken += step.taken;
            expect(taken).toBeLessThanOrEqual(work / 10 + saved);
          }
        }
      }),
    );
  });

  it.each([
    [{ workPerRetry: 0 }, 'workPerRetry is 0'],
    [{ saved: 1.5 }, 'saved is 1.5'],
  ])('refuses %o', (options, message) => {
    expect(() => new RetryBudget(options)).toThrow(message);
  });
});
