import type { Archive } from './archive.js';

/** What an item must carry to stand in a {@link Line}. The links belong to the line: nobody else writes them. */
export interface Linked<T> {
  /** Neighbours in the line; `undefined` at its ends and outside a line. */
  older: T | undefined;
  newer: T | undefined;
  /** True while the item stands in a line. */
  inLine: boolean;
}

/**
 * One waiting line, linked through the items themselves, so that put and remove are O(1) and a queued item costs no
 * memory of its own: a client that leaves is as cheap as one that is served. It keeps order and count only; bounds are
 * the business of who puts.
 */
export class Line<T extends Linked<T>> {
  #oldest: T | undefined = undefined;
  #newest: T | undefined = undefined;
  #size = 0;

  /** Items in the line. */
  get size(): number {
    return this.#size;
  }

  /** The item at the old end. */
  get oldest(): T | undefined {
    return this.#oldest;
  }

  /** The item at the young end. */
  get newest(): T | undefined {
    return this.#newest;
  }

  /** Adds an item at the young end. Refuses an item that stands in a line already. */
  put(item: T): void {
    this.#enter(item);
    item.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = item;
    else this.#newest.newer = item;
    this.#newest = item;
  }

  /** Adds an item at the old end. */
  putFirst(item: T): void {
    this.#enter(item);
    item.newer = this.#oldest;
    if (this.#oldest === undefined) this.#newest = item;
    else this.#oldest.older = item;
    this.#oldest = item;
  }

  /** Takes an item out, wherever it stands; it must stand in this line, or in none. False when it stands in none. */
  remove(item: T): boolean {
    if (!item.inLine) return false;
    if (item.older === undefined) this.#oldest = item.newer;
    else item.older.newer = item.newer;
    if (item.newer === undefined) this.#newest = item.older;
    else item.newer.older = item.older;
    item.older = undefined;
    item.newer = undefined;
    item.inLine = false;
    this.#size--;
    return true;
  }

  /** All items, the oldest first; none may enter or leave meanwhile. */
  *[Symbol.iterator](): Generator<T, void> {
    for (let item = this.#oldest; item !== undefined; item = item.newer) yield item;
  }

  /** Carries its state; see {@link Archive}. */
  archive(io: Archive): void {
    const count = io.number(this.#size);
    let item = this.#oldest;
    for (let place = 0; place < count; place++) {
      const known = io.refer<T>(item);
      item = item?.newer;
      if (io.loading && known !== undefined) this.put(known);
    }
  }

  #enter(item: T): void {
    if (item.inLine) throw new Error('this item stands in a queue already');
    item.inLine = true;
    this.#size++;
  }
}
