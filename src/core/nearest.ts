/** Names longer than this get no suggestion, which bounds the work whatever the environment holds. */
const LONGEST_NAME = 160;
/** More slips than this, and a suggestion would be a guess. */
const MOST_SLIPS = 4;

/** The fewest characters that can stand for a longer name. */
const SHORTEST_BEGINNING = 3;

/**
 * The candidate that a name most likely means, or `undefined` when none is near: the nearest spelling, else one that
 * goes on after the name or that the name goes on after, as `deadline` or `maximum` for `deadlineMs` and `max`. Case
 * does not count.
 */
export function nearestName(name: string, candidates: readonly string[]): string | undefined {
  return nearestSpelling(name, candidates) ?? nearestCompletion(name, candidates);
}

function nearestCompletion(name: string, candidates: readonly string[]): string | undefined {
  const distance = (candidate: string): number => Math.abs(candidate.length - name.length);
  return candidates
    .filter((candidate) => beginsWith(candidate, name) || beginsWith(name, candidate))
    .sort((left, right) => distance(left) - distance(right))[0];
}

function beginsWith(name: string, beginning: string): boolean {
  return beginning.length >= SHORTEST_BEGINNING && name.toLowerCase().startsWith(beginning.toLowerCase());
}

/**
 * The candidate with the nearest spelling, or `undefined` when none is near. Case does not count; about one slip in
 * three characters is forgiven, at most `mostSlips`.
 */
export function nearestSpelling(
  name: string,
  candidates: Iterable<string>,
  mostSlips: number = MOST_SLIPS,
): string | undefined {
  if (name.length > LONGEST_NAME) return undefined;
  const wanted = name.toLowerCase();
  let best: string | undefined;
  let bound = Math.min(mostSlips, Math.max(1, Math.floor(name.length / 3)));
  for (const candidate of candidates) {
    const slips = editDistance(wanted, candidate.toLowerCase(), bound);
    if (slips > bound || (best !== undefined && slips === bound)) continue;
    best = candidate;
    bound = slips;
    if (bound === 0) break;
  }
  return best;
}

/**
 * The number of insertions, deletions, replacements and swaps of neighbours that turn one text into the other
 * (optimal string alignment, see Boytsov 2011, "Indexing methods for approximate dictionary searching", section 2);
 * `bound + 1` as soon as it is known to exceed `bound`.
 */
export function editDistance(left: string, right: string, bound: number): number {
  const over = bound + 1;
  if (Math.abs(left.length - right.length) > bound) return over;
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    let smallest = row;
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1];
      let cost = Math.min(
        (last[column] ?? over) + 1,
        (current[column - 1] ?? over) + 1,
        (last[column - 1] ?? over) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]) {
        cost = Math.min(cost, (beforeLast[column - 2] ?? over) + 1);
      }
      current.push(cost);
      smallest = Math.min(smallest, cost);
    }
    // A swap reaches back two rows, so the row before must be out of bounds as well.
    if (smallest > bound && Math.min(...last) > bound) return over;
    beforeLast = last;
    last = current;
  }
  return Math.min(last[right.length] ?? over, over);
}
