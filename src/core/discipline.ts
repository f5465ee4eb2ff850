/**
 * The mechanisms of the admission discipline, each of which can be switched off to see what it is worth. What remains
 * when all are off: strict priority, oldest first, tickets expire when their turn comes, queues bounded by count.
 */
export interface Discipline {
  /** Shed what cannot be answered in time, at arrival and again when its turn comes. Off: only what has expired. */
  readonly feasibility: boolean;
  /** Serve the newest of a class first while its queue is standing. Off: always the oldest. */
  readonly lifo: boolean;
  /** Bound the queue of a class by its predicted work, and evict the oldest beyond it. */
  readonly eviction: boolean;
  /** Let a more important arrival take the place of a less important ticket where the queue is full. */
  readonly displacement: boolean;
  /** Keep lower classes off the last seats of a pool that the top class uses. */
  readonly headroom: boolean;
  /** Guarantee each lower class its minimum share of the seats. */
  readonly minima: boolean;
}

/** Every mechanism on. */
export const DEFAULT_DISCIPLINE: Discipline = {
  feasibility: true,
  lifo: true,
  eviction: true,
  displacement: true,
  headroom: true,
  minima: true,
};
