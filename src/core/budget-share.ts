/** A pool that gets its part of what its instance has of a server. */
export interface SharingPool {
  readonly name: string;
  /** Most that it may get. */
  readonly max: number;
  /** Whether it comes first where there is not one for each: an operator has to get in. */
  readonly admin: boolean;
}

/**
 * What one of several gets of a whole, by max-min fairness in whole numbers: nobody more than he wishes, and what
 * somebody leaves is shared by the others (Bertsekas and Gallager, Data Networks, 1992, section 6.5.2).
 */
export function fairShare(whole: number, wish: number, otherWishes: readonly number[]): number {
  const wishes = [wish, ...otherWishes].sort((a, b) => a - b);
  let left = Math.max(0, whole);
  for (const [index, one] of wishes.entries()) {
    const share = Math.floor(left / (wishes.length - index));
    if (one > share) return Math.min(wish, share);
    left -= one;
  }
  return wish;
}

/**
 * Divides what an instance has among its pools: one for each as far as it goes, those for operators first, and the rest
 * in proportion to what they may have beyond it. Gives out all of it, unless the pools may not have as much.
 *
 * @returns Connections by the name of the pool.
 */
export function divideShare(pools: readonly SharingPool[], share: number): Map<string, number> {
  const parts = new Map(pools.map(({ name }) => [name, 0]));
  const inOrder = [...pools.filter(({ admin }) => admin), ...pools.filter(({ admin }) => !admin)];
  let left = share;
  for (const { name } of inOrder) {
    if (left >= 1) parts.set(name, 1);
    left = Math.max(0, left - 1);
  }
  const wanted = pools.reduce((sum, { max }) => sum + max - 1, 0);
  if (left === 0 || wanted === 0) return parts;
  const part = Math.min(1, left / wanted);
  const exact = inOrder.map(({ name, max }) => ({ name, max, more: (max - 1) * part }));
  for (const { name, more } of exact) parts.set(name, 1 + Math.floor(more + 1e-9));
  const given = exact.reduce((sum, { more }) => sum + Math.floor(more + 1e-9), 0);
  // What rounding left over goes to those whom it cost most.
  const byLoss = [...exact].sort((a, b) => (b.more % 1) - (a.more % 1));
  let over = Math.min(left, wanted) - given;
  for (const { name, max } of byLoss) {
    const has = parts.get(name) ?? 0;
    if (over <= 0 || has >= max) continue;
    parts.set(name, has + 1);
    over -= 1;
  }
  return parts;
}
