import { describe, expect, it } from 'vitest';
import { checkBudget } from '../../../src/core/budget.js';
import { checkConnectionLimit } from '../../../src/core/connection-limit.js';

const POOLS = [
  { name: 'shop', max: 4, server: 'main' },
  { name: 'jobs', max: 2, server: 'main' },
];
const POOLERS = [{ name: 'the pooler', size: 10 }];

describe('what poolers may open on a server', () => {
  it.each([
    // 2 x 6 + 10 = 22, beside 3 in reserve and 3 for superusers.
    [27, false],
    [28, true],
  ])('counts once, however many instances there are: of %i', (maxConnections, ok) => {
    const verdict = checkBudget(POOLS, { server: 'main', maxConnections, instances: 2, poolers: POOLERS });
    expect(verdict).toMatchObject({ ok, needed: 22, reserved: 3 });
    expect(verdict.detail).toContain('x 2 instances = 12, 10 of the pooler, and 3 in reserve');
    if (!ok) expect(verdict.detail).toContain('to 5 in all');
  });
});

describe('a limit of connections', () => {
  const limited = (limit: number, instances = 1, poolers = POOLERS, pools = POOLS) =>
    checkConnectionLimit(pools, poolers, {
      whose: 'user "app"',
      where: 'server "main"',
      limit,
      instances,
      setting: 'CONNECTION LIMIT',
    });

  it.each([
    [16, 1, true],
    [15, 1, false],
    [22, 2, true],
    [21, 2, false],
    [0, 1, false],
  ])('of %i in %i instances', (limit, instances, ok) => {
    expect(limited(limit, instances).ok).toBe(ok);
  });

  it('shows the sum, and names only what helps', () => {
    expect(limited(15).detail).toBe(
      'shop 4 + jobs 2 = 6 connections x 1 instance = 6, 10 of the pooler, and user "app" may have 15 on server "main" ' +
        '(CONNECTION LIMIT): lower the sizes of the pools to 5 in all or raise CONNECTION LIMIT',
    );
    expect(limited(10, 2).detail).toMatch(/\): run fewer instances or raise CONNECTION LIMIT$/);
    expect(limited(8, 1, POOLERS, []).detail).toMatch(/^10 of the pooler, .* sizes of the pools to 8 in all or raise/);
  });
});
