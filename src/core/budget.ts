import { ceilDecimal, requireNumber } from './numbers.js';

/** A pool as the budget sees it. */
export interface BudgetedPool {
  readonly name: string;
  /** Most connections of one instance. */
  readonly max: number;
  /** Names the server, the same for all pools on it. Never a URL: it appears in messages. */
  readonly server: string;
}

/** What a pooler may open on the server for all of its clients together, however many instances there are. */
export interface PoolerShare {
  /** For people; no secret. */
  readonly name: string;
  /** Connections at most, at least 0. */
  readonly size: number;
}

/** What a server can bear, and how many share it. */
export interface ServerBudget {
  readonly server: string;
  /** The server's `max_connections`, at least 1. */
  readonly maxConnections: number;
  /** The server's `superuser_reserved_connections`, at least 0. Default 3. */
  readonly superuserReserved?: number | undefined;
  /** Part of `maxConnections` kept free for administration and maintenance, 0 to 0.9. Default 0.1. */
  readonly reserve?: number | undefined;
  /** Instances with these pools, at least 1. Default 1. */
  readonly instances?: number | undefined;
  /** Poolers in front of the same server. Default none. */
  readonly poolers?: readonly PoolerShare[] | undefined;
}

/** Whether the pools of a fleet fit their server, with the sum. */
export interface BudgetVerdict {
  readonly ok: boolean;
  /** Connections that the pools can open, all instances together. */
  readonly needed: number;
  /** Connections kept free. */
  readonly reserved: number;
  /** Connections that the server gives to ordinary users. */
  readonly available: number;
  /** One sentence with the whole sum; where it does not fit, with the remedy. */
  readonly detail: string;
}

/**
 * Checks that every pool on one server may open all of its connections in every instance at once and still leave the
 * reserve free. Pools on other servers are passed over.
 *
 * @throws RangeError when a number is out of range.
 */
export function checkBudget(pools: readonly BudgetedPool[], budget: ServerBudget): BudgetVerdict {
  const maxConnections = requireNumber('maxConnections', budget.maxConnections, { min: 1, integer: true });
  const superuser = requireNumber('superuserReserved', budget.superuserReserved ?? 3, { min: 0, integer: true });
  const reserve = requireNumber('reserve', budget.reserve ?? 0.1, { min: 0, max: 0.9 });
  const instances = requireNumber('instances', budget.instances ?? 1, { min: 1, integer: true });
  const here = pools.filter((pool) => pool.server === budget.server);
  for (const pool of here) requireNumber(`max of pool "${pool.name}"`, pool.max, { min: 1, integer: true });
  const { needed, poolers, text } = sumOf(here, budget.poolers ?? [], instances);
  const reserved = ceilDecimal(maxConnections * reserve);
  const available = Math.max(0, maxConnections - superuser);
  const ok = needed + reserved <= available;
  const sum =
    `${text}, and ${reserved} in reserve` + ` (${percent(reserve)} of ${maxConnections}), are ${needed + reserved}`;
  const server =
    `server "${budget.server}" gives ${available}` +
    ` (max_connections ${maxConnections} - ${superuser} reserved for superusers)`;
  const detail = ok
    ? `${sum}; ${server}`
    : `${sum}, but ${server}: ${remedy(Math.floor((available - reserved - poolers) / instances))}`;
  return { ok, needed, reserved, available, detail };
}

/** What pools in all instances, and poolers, may open at once. */
export function sumOf(
  pools: readonly Pick<BudgetedPool, 'name' | 'max'>[],
  shares: readonly PoolerShare[],
  instances: number,
): { readonly needed: number; readonly poolers: number; readonly text: string } {
  const perInstance = pools.reduce((sum, { max }) => sum + max, 0);
  const poolers = shares.reduce((sum, { size }) => sum + size, 0);
  const names = pools.map(({ name, max }) => `${name} ${max}`).join(' + ') || 'no pool: 0';
  const own = `${names} = ${perInstance} connections x ${counted(instances, 'instance')} = ${perInstance * instances}`;
  const others = shares.map(({ name, size }) => `${size} of ${name}`);
  const text = [...(pools.length === 0 && others.length > 0 ? [] : [own]), ...others].join(', ');
  return { needed: perInstance * instances + poolers, poolers, text };
}

function remedy(fits: number): string {
  return fits < 1
    ? 'run fewer instances, raise max_connections or lower the reserve'
    : `lower the sizes of the pools to ${fits} in all, run fewer instances or raise max_connections`;
}

/** `1 instance`, `2 instances`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** A share as people write it. */
export function percent(part: number): string {
  return `${Number((part * 100).toFixed(2))} %`;
}
