/** Somebody who wants a part of a capacity. */
export interface Claimant {
  /** What it asks for, in units of the capacity; 0 or more. */
  readonly demand: number;
  /** Above 0; twice the weight, twice the part where there is not enough. Default 1. */
  readonly weight?: number | undefined;
}

/**
 * The weighted max-min fair division: nobody gets more than it asks for, and no part can grow except at the cost of one
 * that is smaller for its weight. By water-filling (Bertsekas and Gallager 1992, section 6.5.2): raise everybody's
 * level together, and leave behind who is satisfied.
 *
 * @returns The parts, in the order of the claimants; they add up to the smaller of the capacity and all demands.
 */
export function maxMinShares(capacity: number, claimants: readonly Claimant[]): number[] {
  const parts = claimants.map(() => 0);
  let thirsty = claimants.map((_, index) => index);
  let left = capacity;
  while (thirsty.length > 0 && left > 0) {
    const weights = thirsty.reduce((sum, index) => sum + weightOf(claimants[index]), 0);
    const level = left / weights;
    const satisfied = thirsty.filter((index) => demandOf(claimants[index]) <= level * weightOf(claimants[index]));
    const served = satisfied.length > 0 ? satisfied : thirsty;
    for (const index of served) {
      const claimant = claimants[index];
      parts[index] = satisfied.length > 0 ? demandOf(claimant) : level * weightOf(claimant);
      left -= parts[index] ?? 0;
    }
    thirsty = thirsty.filter((index) => !served.includes(index));
  }
  return parts;
}

/**
 * How far what was given is from max-min fair: the largest difference of a part to the fair one, as a share of what was
 * given in all. 0 is fair, and so is a division of nothing.
 */
export function fairnessMargin(given: readonly number[], claimants: readonly Claimant[]): number {
  const total = given.reduce((sum, part) => sum + part, 0);
  if (total <= 0) return 0;
  const fair = maxMinShares(total, claimants);
  return given.reduce((worst, part, index) => Math.max(worst, Math.abs(part - (fair[index] ?? 0)) / total), 0);
}

const demandOf = (claimant: Claimant | undefined): number => claimant?.demand ?? 0;
const weightOf = (claimant: Claimant | undefined): number => claimant?.weight ?? 1;
