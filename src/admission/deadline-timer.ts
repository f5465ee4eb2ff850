import type { Clock, Timer } from '../clock.js';
import { DeadlineHeap, type Due } from '../core/deadline-heap.js';

/** Something that falls due. `onDue` is called once per {@link DeadlineTimer.set}, unless it is cleared before. */
export interface Deadline extends Due {
  onDue(nowMs: number): void;
}

/** A timer that fires this late tells of a stalled event loop: what arrived meanwhile is handled first. */
const STALL_MS = 50;
/** How long the entries of one turn may take before input gets its turn again. */
const TURN_MS = 8;
/** Entries between two looks at the clock. */
const BATCH = 16;

/**
 * One timer for every deadline of a gateway. A `setTimeout` per request costs 0.4 µs and, when thousands fall due
 * together, a stall of the event loop; here they stand in one heap, and a crowd that falls due at once is worked off
 * in short turns with input in between.
 */
export class DeadlineTimer {
  readonly #clock: Clock;
  readonly #heap = new DeadlineHeap<Deadline>();
  #timer: Timer | undefined;
  #armedForMs = Number.POSITIVE_INFINITY;
  #turnQueued = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Deadlines that are set. */
  get size(): number {
    return this.#heap.size;
  }

  /** Sets or moves a deadline. `Infinity` clears it. */
  set(deadline: Deadline, dueAtMs: number, nowMs: number): void {
    if (dueAtMs === Number.POSITIVE_INFINITY) {
      this.clear(deadline);
      return;
    }
    this.#heap.set(deadline, dueAtMs);
    if (dueAtMs < this.#armedForMs) this.#arm(dueAtMs, nowMs);
  }

  /** Clears a deadline. The timer itself stays armed: most deadlines are cleared, and re-arming each time costs more. */
  clear(deadline: Deadline): void {
    this.#heap.remove(deadline);
  }

  /** Disarms the timer for good. Deadlines that are set fall due no more. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#armedForMs = Number.NEGATIVE_INFINITY;
  }

  #arm(dueAtMs: number, nowMs: number): void {
    this.#timer?.cancel();
    this.#armedForMs = dueAtMs;
    // Rounded up, because a timer that fires early only has to be armed again.
    this.#timer = this.#clock.after(Math.ceil(dueAtMs - nowMs), () => this.#fired());
  }

  #fired(): void {
    this.#timer = undefined;
    const lateMs = this.#clock.nowMs() - this.#armedForMs;
    if (lateMs > STALL_MS) this.#queueTurn();
    else this.#turn();
  }

  #queueTurn(): void {
    if (this.#turnQueued) return;
    this.#turnQueued = true;
    this.#clock.afterInput(() => {
      this.#turnQueued = false;
      this.#turn();
    });
  }

  #turn(): void {
    if (this.#armedForMs === Number.NEGATIVE_INFINITY) return;
    const startedMs = this.#clock.nowMs();
    let nowMs = startedMs;
    for (let done = 1; ; done++) {
      const first = this.#heap.first();
      if (first === undefined) {
        this.#armedForMs = Number.POSITIVE_INFINITY;
        return;
      }
      if (first.dueAtMs > nowMs) {
        this.#arm(first.dueAtMs, nowMs);
        return;
      }
      this.#heap.remove(first);
      first.onDue(nowMs);
      if (done % BATCH !== 0) continue;
      nowMs = this.#clock.nowMs();
      if (nowMs - startedMs > TURN_MS) {
        this.#queueTurn();
        return;
      }
    }
  }
}
