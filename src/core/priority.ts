/** The four priority classes, most important first. The index of a class in this list is its rank. */
export const PRIORITY_CLASSES = ['critical', 'high', 'normal', 'low'] as const;

/** How important a route is; see {@link PRIORITY_CLASSES}. */
export type PriorityClass = (typeof PRIORITY_CLASSES)[number];

/** Rank of a class: 0 is `critical`, 3 is `low`. */
export type PriorityRank = 0 | 1 | 2 | 3;

/** The rank of the top class. */
export const TOP_RANK: PriorityRank = 0;

const RANKS: Readonly<Record<PriorityClass, PriorityRank>> = { critical: 0, high: 1, normal: 2, low: 3 };

/** Every rank, most important first. */
export const PRIORITY_RANKS: readonly PriorityRank[] = [0, 1, 2, 3];

/** The rank of a class: 0 for `critical` to 3 for `low`. */
export function rankOf(priority: PriorityClass): PriorityRank {
  return RANKS[priority];
}
