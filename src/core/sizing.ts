import { ceilDecimal, requireNumber } from './numbers.js';

/** Connections that one core of a database server keeps busy: fewer waste it, more queue inside it. */
const PER_CORE_LOW = 3;
const PER_CORE_HIGH = 5;

/** What the size of a pool is worked out from. */
export interface SizingInput {
  /** Requests of one instance that are served at a time, above 0. */
  readonly concurrentRequests: number;
  /** Database operations of one request that overlap, on average, above 0; 0.3 where it waits mostly elsewhere. */
  readonly operationsPerRequest: number;
  /** Room for variation, at least 1. Default 1.5. */
  readonly safetyFactor?: number | undefined;
  /** Cores of the database server, above 0. Without it there is no capacity bound. */
  readonly serverCores?: number | undefined;
  /** Instances that share the server, at least 1. Default 1. */
  readonly instances?: number | undefined;
  /** Connections that the budget leaves to this pool in one instance, at least 1. Without it there is no such bound. */
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
}

/**
 * Advises on the size of a pool. It is advice: an explicit size is law, and only the budget may refuse one.
 *
 * 150 concurrent requests x 0.3 operations x 1.5 are 67.5, so 68 connections.
 *
 * @throws RangeError naming the input that is 0, negative or not finite.
 */
export function advisePoolSize(input: SizingInput): SizingAdvice {
  const demand = demandOf(input);
  const instances = requireNumber('instances', input.instances ?? 1, { min: 1, integer: true });
  const capacity = capacityOf(input.serverCores, instances);
  const budget =
    input.budgetShare === undefined
      ? undefined
      : Math.floor(requireNumber('budgetShare', input.budgetShare, { min: 1 }));
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
  return { demand, capacity, budget, recommended, binding };
}

function demandOf(input: SizingInput): number {
  const requests = requireNumber('concurrentRequests', input.concurrentRequests);
  const operations = requireNumber('operationsPerRequest', input.operationsPerRequest);
  const factor = requireNumber('safetyFactor', input.safetyFactor ?? 1.5, { min: 1 });
  return ceilDecimal(requests * operations * factor);
}

function capacityOf(cores: number | undefined, instances: number): { low: number; high: number } | undefined {
  if (cores === undefined) return undefined;
  requireNumber('serverCores', cores);
  // Rounded down, so that all instances together stay within the bound; but nobody can work with none.
  const share = (perCore: number): number => Math.max(1, Math.floor((cores * perCore) / instances));
  return { low: share(PER_CORE_LOW), high: share(PER_CORE_HIGH) };
}
