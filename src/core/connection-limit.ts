import { type BudgetedPool, type PoolerShare, sumOf } from './budget.js';

/** What a server lets one user or one database have, and who wants it. */
export interface ConnectionLimit {
  /** For people: `user "app"`. */
  readonly whose: string;
  /** For people: `server "db:5432"`. */
  readonly where: string;
  /** Connections at once, at least 0. */
  readonly limit: number;
  readonly instances: number;
  /** What raises it: `CONNECTION LIMIT`. */
  readonly setting: string;
}

/** Whether the pools fit, with the sum. */
export interface LimitVerdict {
  readonly ok: boolean;
  readonly detail: string;
}

/** Checks that all pools of one user, or on one database, may open all of their connections in every instance. */
export function checkConnectionLimit(
  pools: readonly Pick<BudgetedPool, 'name' | 'max'>[],
  poolers: readonly PoolerShare[],
  { whose, where, limit, instances, setting }: ConnectionLimit,
): LimitVerdict {
  const { text, needed } = sumOf(pools, poolers, instances);
  const found = `${text}, and ${whose} may have ${limit} on ${where} (${setting})`;
  if (needed <= limit) return { ok: true, detail: found };
  // Where all go through poolers, their shares follow the sizes of the pools.
  const rest = pools.length === 0 ? limit : poolers.reduce((sum, { size }) => sum - size, limit);
  const fits = Math.floor(rest / instances);
  const lower = fits < 1 ? [] : [`lower the sizes of the pools to ${fits} in all`];
  const fewer = instances === 1 ? [] : ['run fewer instances'];
  return { ok: false, detail: `${found}: ${[...lower, ...fewer, `raise ${setting}`].join(' or ')}` };
}
