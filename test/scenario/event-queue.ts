import { DeadlineHeap, type Due } from '../../src/core/deadline-heap.js';

interface Event extends Due {
  readonly run: (nowMs: number) => void;
}

/** Events in the order of their instants; of one instant, in no particular order, but always the same. */
export class EventQueue {
  readonly #heap = new DeadlineHeap<Event>();

  /** Calls `run` at an instant. */
  at(dueAtMs: number, run: (nowMs: number) => void): void {
    this.#heap.set({ dueAtMs, heapIndex: -1, run }, dueAtMs);
  }

  /** Runs until nothing is left to come. */
  run(): void {
    for (let event = this.#heap.first(); event !== undefined; event = this.#heap.first()) {
      this.#heap.remove(event);
      event.run(event.dueAtMs);
    }
  }
}
