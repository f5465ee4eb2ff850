import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkBudget } from '../../../src/core/budget.js';

const POOLS = [
  { name: 'checkout', max: 16, server: 'main' },
  { name: 'reports', max: 4, server: 'main' },
  { name: 'archive', max: 500, server: 'other' },
];

describe('checkBudget', () => {
  it('shows the sum when the pools fit', () => {
    expect(checkBudget(POOLS, { server: 'main', maxConnections: 100, instances: 4 })).toEqual({
      ok: true,
      needed: 80,
      reserved: 10,
      available: 97,
      detail:
        'checkout 16 + reports 4 = 20 connections x 4 instances = 80, and 10 in reserve (10 % of 100), are 90; ' +
        'server "main" gives 97 (max_connections 100 - 3 reserved for superusers)',
    });
  });

  it('shows the sum and the remedy when they do not', () => {
    const verdict = checkBudget(POOLS, { server: 'main', maxConnections: 100, reserve: 0.15, instances: 5 });
    expect(verdict).toMatchObject({ ok: false, needed: 100, reserved: 15, available: 97 });
    expect(verdict.detail).toBe(
      'checkout 16 + reports 4 = 20 connections x 5 instances = 100, and 15 in reserve (15 % of 100), are 115, ' +
        'but server "main" gives 97 (max_connections 100 - 3 reserved for superusers): ' +
        'lower the sizes of the pools to 16 in all, run fewer instances or raise max_connections',
    );
  });

  it.each<[maxConnections: number, reserve: number, superuserReserved: number, ok: boolean]>([
    [26, 0.1, 3, true],
    [25, 0.1, 3, false],
    [25, 0.1, 2, true],
    [23, 0, 3, true],
    [22, 0, 3, false],
    // 0.1 x 30 is 3, not a trifle more; 0.1 x 31 is 3.1, so 4.
    [30, 0.1, 7, true],
    [31, 0.1, 8, false],
  ])(
    'of %d connections, %d in reserve and %d for superusers, leaves 20: %s',
    (maxConnections, reserve, superuserReserved, ok) => {
      expect(checkBudget(POOLS, { server: 'main', maxConnections, reserve, superuserReserved }).ok).toBe(ok);
    },
  );

  it('proposes no size where none would fit', () => {
    const verdict = checkBudget(POOLS, { server: 'main', maxConnections: 2, instances: 3 });
    expect(verdict).toMatchObject({ ok: false, available: 0 });
    expect(verdict.detail).toMatch(/: run fewer instances, raise max_connections or lower the reserve$/);
  });

  it('has nothing against a server without pools', () => {
    expect(checkBudget(POOLS, { server: 'empty', maxConnections: 10 })).toMatchObject({ ok: true, needed: 0 });
  });

  it('refuses senseless numbers by name', () => {
    expect(() => checkBudget(POOLS, { server: 'main', maxConnections: 0 })).toThrow(/maxConnections is 0/);
    expect(() => checkBudget(POOLS, { server: 'main', maxConnections: 9, instances: 1.5 })).toThrow(/instances is 1.5/);
    expect(() => checkBudget(POOLS, { server: 'main', maxConnections: 9, reserve: 1 })).toThrow(/reserve is 1/);
    expect(() => checkBudget(POOLS, { server: 'main', maxConnections: 9, superuserReserved: -1 })).toThrow(/superuser/);
    const broken = [{ name: 'checkout', max: 0, server: 'main' }];
    expect(() => checkBudget(broken, { server: 'main', maxConnections: 9 })).toThrow(/max of pool "checkout" is 0/);
  });

  it('property: what is declared fit leaves the reserve free, and the size it proposes fits', () => {
    const count = fc.integer({ min: 1, max: 60 });
    fc.assert(
      fc.property(
        fc.array(count, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 1_000 }),
        fc.double({ min: 0, max: 0.9, noNaN: true }),
        count,
        (sizes, maxConnections, reserve, instances) => {
          const budget = { server: 'main', maxConnections, reserve, instances };
          const verdict = checkBudget(
            sizes.map((max, index) => ({ name: `p${index}`, max, server: 'main' })),
            budget,
          );
          const used = sizes.reduce((sum, max) => sum + max, 0) * instances;
          if (verdict.ok) {
            expect(maxConnections - 3 - used).toBeGreaterThanOrEqual(maxConnections * reserve - 1e-9);
            return;
          }
          const proposed = Number(/to (\d+) in all/.exec(verdict.detail)?.[1] ?? 0);
          if (proposed === 0) return;
          expect(checkBudget([{ name: 'all', max: proposed, server: 'main' }], budget).ok).toBe(true);
          expect(checkBudget([{ name: 'all', max: proposed + 1, server: 'main' }], budget).ok).toBe(false);
        },
      ),
    );
  });
});
