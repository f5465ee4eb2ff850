import type { Archive } from './archive.js';

/** What an entry must carry to stand in a {@link DeadlineHeap}. */
export interface Due {
  /** The instant at which the entry falls due. Change it only through {@link DeadlineHeap.set}. */
  dueAtMs: number;
  /** Place in the heap, -1 outside. Belongs to the heap. */
  heapIndex: number;
}

/**
 * A binary min-heap over instants that knows where each entry stands, so that an entry can be moved or removed in
 * O(log n). Entries that fall due in the order in which they are set cost O(1), and that is the common case: the
 * deadlines of one route rise with its arrivals.
 */
export class DeadlineHeap<T extends Due> {
  readonly #heap: T[] = [];

  /** Entries in the heap. */
  get size(): number {
    return this.#heap.length;
  }

  /** The entry that falls due first. */
  first(): T | undefined {
    return this.#heap[0];
  }

  /** All entries, in no order that means anything; none may be set or removed meanwhile. */
  [Symbol.iterator](): Iterator<T> {
    return this.#heap.values();
  }

  /** Adds an entry, or moves one that is in the heap, to an instant. */
  set(entry: T, dueAtMs: number): void {
    entry.dueAtMs = dueAtMs;
    if (entry.heapIndex === -1) {
      entry.heapIndex = this.#heap.length;
      this.#heap.push(entry);
      this.#rise(entry, entry.heapIndex);
    } else {
      this.#settle(entry, entry.heapIndex);
    }
  }

  /** Takes an entry out. False when it was not in the heap. */
  remove(entry: T): boolean {
    const index = entry.heapIndex;
    if (index === -1) return false;
    entry.heapIndex = -1;
    const last = this.#heap.pop();
    if (last !== undefined && last !== entry) this.#settle(last, index);
    return true;
  }

  /** Carries the order of its entries, which are known to the archive and carry their instants themselves. */
  archive(io: Archive): void {
    const count = io.number(this.#heap.length);
    for (let place = 0; place < count; place++) {
      const entry = io.refer<T>(this.#heap[place]);
      if (io.loading && entry !== undefined) this.#place(entry, place);
    }
  }

  #settle(entry: T, index: number): void {
    if (!this.#rise(entry, index)) this.#sink(entry, index);
  }

  #rise(entry: T, from: number): boolean {
    const heap = this.#heap;
    let index = from;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || parent.dueAtMs <= entry.dueAtMs) break;
      this.#place(parent, index);
      index = above;
    }
    this.#place(entry, index);
    return index !== from;
  }

  #sink(entry: T, from: number): void {
    const heap = this.#heap;
    let index = from;
    for (;;) {
      const left = 2 * index + 1;
      let child = heap[left];
      if (child === undefined) break;
      let at = left;
      const right = heap[left + 1];
      if (right !== undefined && right.dueAtMs < child.dueAtMs) {
        child = right;
        at = left + 1;
      }
      if (entry.dueAtMs <= child.dueAtMs) break;
      this.#place(child, index);
      index = at;
    }
    this.#place(entry, index);
  }

  #place(entry: T, index: number): void {
    this.#heap[index] = entry;
    entry.heapIndex = index;
  }
}
