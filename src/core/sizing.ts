import { ceilDecimal, type NumberRange, requireNumber } from './numbers.js';

/** Connections that one core of a database server keeps busy: fewer waste it, more queue inside it. */
const PER_CORE_LOW = 3;
const PER_CORE_HIGH = 5;

/** Nobody has more of it: beyond it a number is mistyped, and advice from it would be none. */
const MOST = {
  concurrentRequests: 1_000_000,
  operationsPerRequest: 10_000,
  safetyFactor: 100,
  serverCores: 10_000,
  instances: 100_000,
  budgetShare: 1_000_000,
} as const satisfies Record<keyof SizingInput, number>;

/** What the size of a pool is worked out from. */
export interface SizingInput {
  /** Requests of one instance that are served at a time, above 0, at most a million. */
  readonly concurrentRequests: number;
  /** Database operations of one request that overlap, on average, above 0, at most 10,000; 0.3 where it waits mostly elsewhere. */
  readonly operationsPerRequest: number;
  /** Room for variation, 1 to 100. Default 1.5. */
  readonly safetyFactor?: number | undefined;
  /** Cores of the database server, above 0, at most 10,000. Without it there is no capacity bound. */
  readonly serverCores?: number | undefined;
  /** Instances that share the server, 1 to 100,000. Default 1. */
  readonly instances?: number | undefined;
  /** Connections that the budget leaves to this pool in one instance, 1 to a million. Without it there is no such bound. */
  readonly budgetShare?: number | undefined;
}

/** Which bound is the smallest. */
export type SizingBound = 'demand' | 'capacity' | 'budget';

/** Advice on the size of a pool, in connections of one instance: every bound, and the one that binds. */
export interface SizingAdvice {
  /** Concurrent requests x operations per request x safety factor, rounded up. */
  readonly demand: number;
  /** What one instance may use of 3 to 5 connections a core; `undefined` without `serverCores`. */
  readonly capacity: { readonly low: number; readonly high: number } | undefined;
  /** `undefined` without `budgetShare`. */
  readonly budget: number | undefined;
  /** The smallest of the bounds (of capacity the higher one), at least 1. */
  readonly recommended: number;
  readonly binding: SizingBound;
  /** Where each instance takes one connection and that is more than the cores serve well: how many they serve. */
  readonly servedWell?: number;
}

/**
 * Advises on the size of a pool. It is advice: an explicit size is law, and only the budget may refuse one.
 *
 * 150 concurrent requests x 0.3 operations x 1.5 are 67.5, so 68 connections.
 *
 * @throws RangeError naming the input that is 0, negative, not finite or more than anybody has.
 */
export function advisePoolSize(input: SizingInput): SizingAdvice {
  const demand = demandOf(input);
  const instances = checked('instances', input.instances ?? 1, { min: 1, integer: true });
  const capacity = capacityOf(input.serverCores, instances);
  const budget =
    input.budgetShare === undefined ? undefined : Math.floor(checked('budgetShare', input.budgetShare, { min: 1 }));
  let recommended = demand;
  let binding: SizingBound = 'demand';
  if (capacity !== undefined && capacity.high < recommended) {
    recommended = capacity.high;
    binding = 'capacity';
  }
  if (budget !== undefined && budget < recommended) {
    recommended = budget;
    binding = 'budget';
  }
  const servedWell = Math.floor((input.serverCores ?? Number.POSITIVE_INFINITY) * PER_CORE_HIGH);
  return { demand, capacity, budget, recommended, binding, ...(instances > servedWell ? { servedWell } : {}) };
}

function demandOf(input: SizingInput): number {
  const requests = checked('concurrentRequests', input.concurrentRequests);
  const operations = checked('operationsPerRequest', input.operationsPerRequest);
  const factor = checked('safetyFactor', input.safetyFactor ?? 1.5, { min: 1 });
  return ceilDecimal(requests * operations * factor);
}

function capacityOf(cores: number | undefined, instances: number): { low: number; high: number } | undefined {
  if (cores === undefined) return undefined;
  checked('serverCores', cores);
  // Rounded down, so that all instances together stay within the bound; but nobody can work with none.
  const share = (perCore: number): number => Math.max(1, Math.floor((cores * perCore) / instances));
  return { low: share(PER_CORE_LOW), high: share(PER_CORE_HIGH) };
}

function checked(name: keyof SizingInput, value: number, range: NumberRange = {}): number {
  return requireNumber(name, value, { ...range, max: MOST[name] });
}
