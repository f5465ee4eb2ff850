import { expect, it } from 'vitest';
import { LimitRun } from '../../../src/pools/limit-run.js';

it('counts those in a row that want the same limit', () => {
  const run = new LimitRun();
  const limits = [100, 100, 'default', 'default', 'default', 100, 200, 200] as const;
  expect(limits.map((limit) => run.next(limit))).toEqual([1, 2, 1, 2, 3, 1, 1, 2]);
});
