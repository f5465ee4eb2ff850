import { EventHeap, type TimedEvent } from './event-heap.js';
import type { LoopBlocks } from './loop-blocks.js';

/** What happens when an event's turn comes; `dueMs` is earlier than `nowMs` after the event loop was blocked. */
export type Happening = (nowMs: number, dueMs: number) => void;

interface Event extends TimedEvent {
  readonly run: Happening;
  /** Timers have to wait until input that arrived while the loop was blocked has been handled. */
  readonly timer: boolean;
}

/** Virtual time: runs what is planned in its order, as fast as it can. */
export class Agenda {
  readonly #heap = new EventHeap<Event>();
  readonly #blocks: LoopBlocks;
  #order = 0;
  #nowMs = 0;

  constructor(blocks: LoopBlocks) {
    this.#blocks = blocks;
  }

  /** The present instant. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Something comes from outside: a request, or the answer of a database. */
  input(atMs: number, run: Happening): void {
    if (atMs < Number.POSITIVE_INFINITY) this.#heap.add({ atMs, order: this.#order++, run, timer: false });
  }

  /** A timer of the process fires. */
  timer(atMs: number, run: Happening): void {
    if (atMs < Number.POSITIVE_INFINITY) this.#heap.add({ atMs, order: this.#order++, run, timer: true });
  }

  /** Runs events until there is none, or nobody wants to go on. */
  run(goOn: (nowMs: number) => boolean): void {
    for (;;) {
      const { nextMs } = this.#heap;
      if (nextMs === Number.POSITIVE_INFINITY || !goOn(nextMs)) return;
      const blockedUntilMs = this.#blocks.endOf(nextMs);
      if (blockedUntilMs === undefined) this.#next();
      else this.#burst(blockedUntilMs);
    }
  }

  #next(): void {
    const event = this.#heap.take();
    if (event === undefined) return;
    // After a block, events that were made for its time come late.
    if (event.atMs > this.#nowMs) this.#nowMs = event.atMs;
    event.run(this.#nowMs, event.atMs);
  }

  /** Everything that came while the loop was blocked is seen at once. */
  #burst(endMs: number): void {
    const due: Event[] = [];
    while (this.#heap.nextMs < endMs) {
      const event = this.#heap.take();
      if (event !== undefined) due.push(event);
    }
    this.#nowMs = Math.max(this.#nowMs, endMs);
    for (const event of due) if (!event.timer) event.run(this.#nowMs, event.atMs);
    for (const event of due) if (event.timer) event.run(this.#nowMs, event.atMs);
  }
}
