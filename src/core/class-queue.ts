import type { Archive } from './archive.js';
import { Line, type Linked } from './line.js';
import type { PriorityRank } from './priority.js';

/** What an item must carry to stand in a {@link ClassQueue}. */
export interface Queueable<T> extends Linked<T> {
  readonly rank: PriorityRank;
}

/** One {@link Line} per priority class. */
export class ClassQueue<T extends Queueable<T>> {
  readonly #lines: readonly [Line<T>, Line<T>, Line<T>, Line<T>] = [new Line(), new Line(), new Line(), new Line()];
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

  /** The items of one class, the oldest first; none may enter or leave meanwhile. */
  line(rank: PriorityRank): Iterable<T> {
    return this.#lines[rank];
  }

  /** Adds an item at the young end of its class. Refuses an item that stands in a line already. */
  put(item: T): void {
    this.#lines[item.rank].put(item);
    this.#size++;
  }

  /** Adds an item at the old end of its class: the next to be taken. */
  putFirst(item: T): void {
    this.#lines[item.rank].putFirst(item);
    this.#size++;
  }

  /** Takes an item out, wherever it stands. False when it stands in no line. */
  remove(item: T): boolean {
    if (!this.#lines[item.rank].remove(item)) return false;
    this.#size--;
    return true;
  }

  /** Carries its state; see {@link Archive}. */
  archive(io: Archive): void {
    for (const line of this.#lines) line.archive(io);
    this.#size = io.number(this.#size);
  }
}
