import type { PriorityRank } from './priority.js';

/** What an item must carry to stand in a {@link ClassQueue}. The links belong to the queue: nobody else writes them. */
export interface Queueable<T> {
  readonly rank: PriorityRank;
  /** Neighbours in the line; `undefined` at its ends and outside a line. */
  older: T | undefined;
  newer: T | undefined;
  /** True from put to take or remove. */
  inLine: boolean;
}

interface Line<T> {
  oldest: T | undefined;
  newest: T | undefined;
  size: number;
}

/**
 * One waiting line per priority class. The lines are linked through the items themselves, so that put, take and
 * remove are O(1) and a queued item costs no memory of its own: a client that leaves is as cheap as one that is served.
 *
 * The queue keeps order and count only; bounds are the business of who puts.
 */
export class ClassQueue<T extends Queueable<T>> {
  readonly #lines: readonly [Line<T>, Line<T>, Line<T>, Line<T>] = [emptyLine(), emptyLine(), emptyLine(), emptyLine()];
  #size = 0;

  /** Items in all lines. */
  get size(): number {
    return this.#size;
  }

  /** Items in the line of one class. */
  count(rank: PriorityRank): number {
    return this.#lines[rank].size;
  }

  /** The item that has waited longest in its class. */
  oldest(rank: PriorityRank): T | undefined {
    return this.#lines[rank].oldest;
  }

  /** The item that came last to its class. */
  newest(rank: PriorityRank): T | undefined {
    return this.#lines[rank].newest;
  }

  /** Adds an item at the young end of its class. Refuses an item that stands in a line already. */
  put(item: T): void {
    const line = this.#enter(item);
    item.older = line.newest;
    if (line.newest === undefined) line.oldest = item;
    else line.newest.newer = item;
    line.newest = item;
  }

  /** Adds an item at the old end of its class: the next to be taken. */
  putFirst(item: T): void {
    const line = this.#enter(item);
    item.newer = line.oldest;
    if (line.oldest === undefined) line.newest = item;
    else line.oldest.older = item;
    line.oldest = item;
  }

  /** Takes an item out, wherever it stands. False when it stands in no line. */
  remove(item: T): boolean {
    if (!item.inLine) return false;
    const line = this.#lines[item.rank];
    if (item.older === undefined) line.oldest = item.newer;
    else item.older.newer = item.newer;
    if (item.newer === undefined) line.newest = item.older;
    else item.newer.older = item.older;
    item.older = undefined;
    item.newer = undefined;
    item.inLine = false;
    line.size--;
    this.#size--;
    return true;
  }

  #enter(item: T): Line<T> {
    if (item.inLine) throw new Error('this item stands in a queue already');
    item.inLine = true;
    const line = this.#lines[item.rank];
    line.size++;
    this.#size++;
    return line;
  }
}

function emptyLine<T>(): Line<T> {
  return { oldest: undefined, newest: undefined, size: 0 };
}
