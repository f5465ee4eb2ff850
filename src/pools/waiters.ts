import type { Clock, Timer } from '../clock.js';
import { DeadlineHeap, type Due } from '../core/deadline-heap.js';
import { PRIORITY_RANKS, type PriorityRank } from '../core/priority.js';
import { timeLimit } from './time-limit.js';

/** A borrower that waits for something of type `T`. */
interface Waiter<T> extends Due {
  readonly owner: object | undefined;
  readonly rank: PriorityRank;
  readonly serve: (value: T) => void;
  readonly refuse: (error: Error) => void;
  previous: Waiter<T> | undefined;
  next: Waiter<T> | undefined;
}

interface Line<T> {
  first: Waiter<T> | undefined;
  last: Waiter<T> | undefined;
}

/**
 * Borrowers in the order in which they are served: class by class, most important first, oldest first within a
 * class. Joining and leaving costs O(log n), being served O(1) and the same, and one timer serves all deadlines.
 */
export class Waiters<T> {
  readonly #clock: Clock;
  readonly #onTimeout: () => Error;
  readonly #lines: readonly Line<T>[] = PRIORITY_RANKS.map(() => ({ first: undefined, last: undefined }));
  /** Those that have a deadline. */
  readonly #deadlines = new DeadlineHeap<Waiter<T>>();
  #size = 0;
  #timer: Timer | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;

  /** @param onTimeout - Makes the error for a waiter whose deadline has passed. */
  constructor(clock: Clock, onTimeout: () => Error) {
    this.#clock = clock;
    this.#onTimeout = onTimeout;
  }

  get size(): number {
    return this.#size;
  }

  /** @param owner - By which {@link refuse} knows it. */
  wait(rank: PriorityRank, deadlineAtMs: number, owner?: object): Promise<T> {
    return new Promise((serve, refuse) => {
      const waiter: Waiter<T> = {
        dueAtMs: deadlineAtMs,
        heapIndex: -1,
        owner,
        rank,
        serve,
        refuse,
        previous: undefined,
        next: undefined,
      };
      this.#append(waiter);
      if (deadlineAtMs !== Number.POSITIVE_INFINITY) this.#deadlines.set(waiter, deadlineAtMs);
      this.#arm();
    });
  }

  /** Gives a value to the next borrower whose deadline has not passed. False when nobody waits. */
  serve(nowMs: number, make: () => T): boolean {
    for (const line of this.#lines) {
      for (let waiter = line.first; waiter !== undefined; waiter = line.first) {
        this.#leave(waiter);
        if (waiter.dueAtMs <= nowMs) {
          waiter.refuse(this.#onTimeout());
          continue;
        }
        waiter.serve(make());
        return true;
      }
    }
    return false;
  }

  /** Refuses everybody. */
  clear(error: () => Error): void {
    for (const line of this.#lines) {
      for (let waiter = line.first; waiter !== undefined; waiter = line.first) {
        this.#leave(waiter);
        waiter.refuse(error());
      }
    }
    this.#arm();
  }

  /** Refuses those whose owner is named. */
  refuse(owners: ReadonlySet<object>, error: () => Error): void {
    for (const line of this.#lines) {
      for (let waiter = line.first; waiter !== undefined; waiter = waiter.next) {
        if (waiter.owner === undefined || !owners.has(waiter.owner)) continue;
        this.#leave(waiter);
        waiter.refuse(error());
      }
    }
    this.#arm();
  }

  #append(waiter: Waiter<T>): void {
    const line = this.#lineOf(waiter);
    waiter.previous = line.last;
    if (line.last === undefined) line.first = waiter;
    else line.last.next = waiter;
    line.last = waiter;
    this.#size += 1;
  }

  #leave(waiter: Waiter<T>): void {
    const line = this.#lineOf(waiter);
    if (waiter.previous === undefined) line.first = waiter.next;
    else waiter.previous.next = waiter.next;
    if (waiter.next === undefined) line.last = waiter.previous;
    else waiter.next.previous = waiter.previous;
    this.#size -= 1;
    this.#deadlines.remove(waiter);
  }

  #lineOf(waiter: Waiter<T>): Line<T> {
    const line = this.#lines[waiter.rank];
    if (line === undefined) throw new RangeError(`rank must be 0 to 3, not ${String(waiter.rank)}`);
    return line;
  }

  /** The timer may stay armed too early: it then finds nobody to refuse and is armed again. */
  #arm(): void {
    const earliest = this.#deadlines.first();
    if (earliest === undefined) {
      this.#timer?.cancel();
      this.#timer = undefined;
      this.#timerAtMs = Number.POSITIVE_INFINITY;
      return;
    }
    if (earliest.dueAtMs >= this.#timerAtMs) return;
    this.#timer?.cancel();
    this.#timerAtMs = earliest.dueAtMs;
    this.#timer = timeLimit(this.#clock, earliest.dueAtMs - this.#clock.nowMs(), () => {
      this.#timer = undefined;
      this.#timerAtMs = Number.POSITIVE_INFINITY;
      this.#expire();
    });
  }

  #expire(): void {
    const nowMs = this.#clock.nowMs();
    for (let due = this.#deadlines.first(); due !== undefined && due.dueAtMs <= nowMs; due = this.#deadlines.first()) {
      this.#leave(due);
      due.refuse(this.#onTimeout());
    }
    this.#arm();
  }
}
