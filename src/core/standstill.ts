import type { Archive } from './archive.js';
import type { Seats } from './seats.js';
import { Stalls } from './stalls.js';
import type { WorkQueue } from './work-queue.js';

/** So many times their usual hold, while tickets wait, no seat ends: that is no overload, of which seats end all the time. */
const HOLDS = 4;
/** The same for one seat alone, beside that: the fewer they are, the sooner all of them hold slow work by chance. */
const HOLDS_OF_ONE = 8;
/** What is shorter nobody feels. */
const LEAST_MS = 50;
/** What stood still comes free at once, and what queued up meanwhile takes a while to drain at high utilisation. */
const DRAIN_TIMES = 2;
/** What was used of the time to wait standstills out comes back at this rate: what often stands still is slow. */
const REFILL = 0.1;

/**
 * Whether nothing moves: tickets wait, seats are held, and for many times their usual hold none was taken or given
 * back. So a pooler looks that is paused, or a server behind a short lock of everything. It is no overload: what waits
 * can be served once it is over, and how long the seats were held then says nothing of the work.
 *
 * Only so much of it is waited out, counted together where it comes again soon: work that has become slow for good looks
 * the same at first.
 */
export class Standstill {
  readonly #seats: Seats;
  readonly #queue: WorkQueue<unknown>;
  readonly #mostMs: number;
  readonly #stood: Stalls = new Stalls();
  #movedAtMs = Number.NEGATIVE_INFINITY;
  #sparesUntilMs = Number.NEGATIVE_INFINITY;
  /** What was left to wait out at an instant. */
  #leftMs: number;
  #leftAtMs = 0;

  /** @param mostMs - How much standing still is waited out, beyond what it takes to notice it, in milliseconds. */
  constructor(seats: Seats, queue: WorkQueue<unknown>, mostMs: number) {
    this.#seats = seats;
    this.#queue = queue;
    this.#mostMs = mostMs;
    this.#leftMs = mostMs;
  }

  /** A seat is about to be taken or given back. */
  moves(nowMs: number): void {
    if (this.#queue.size > 0) this.#close(nowMs);
    this.#movedAtMs = nowMs;
  }

  /** The backlog that it left has drained. */
  recovered(): void {
    this.#sparesUntilMs = Number.NEGATIVE_INFINITY;
  }

  /** True while nothing moves, and afterwards while the backlog drains: a long queue tells of no overload then. */
  spares(nowMs: number): boolean {
    return nowMs < this.#sparesUntilMs || this.#lasts(nowMs);
  }

  /** Of the time since an instant, how much nothing moved, in milliseconds. */
  withinMs(fromMs: number, nowMs: number): number {
    const lastingMs = this.#lasts(nowMs) ? nowMs - Math.max(fromMs, this.#movedAtMs) : 0;
    return lastingMs + this.#stood.within(fromMs, nowMs);
  }

  /** Carries its state; see {@link Archive}. What is over is forgotten: it matters to the work of that time only. */
  archive(io: Archive): void {
    this.#movedAtMs = io.number(this.#movedAtMs);
    this.#sparesUntilMs = io.number(this.#sparesUntilMs);
    this.#leftMs = io.number(this.#leftMs);
    this.#leftAtMs = io.number(this.#leftAtMs);
  }

  #lasts(nowMs: number): boolean {
    const overMs = this.#overMs(nowMs);
    return overMs > 0 && overMs <= this.#left(this.#movedAtMs);
  }

  #close(nowMs: number): void {
    const overMs = this.#overMs(nowMs);
    if (overMs <= 0) return;
    const leftMs = this.#left(this.#movedAtMs);
    if (overMs <= leftMs) {
      const stoodMs = nowMs - this.#movedAtMs;
      this.#stood.note(nowMs, stoodMs);
      this.#sparesUntilMs = nowMs + DRAIN_TIMES * stoodMs;
    }
    this.#leftMs = Math.max(0, leftMs - overMs);
    this.#leftAtMs = nowMs;
  }

  /** For how much longer nothing has moved than work may take. */
  #overMs(nowMs: number): number {
    const { inUse, meanHoldMs } = this.#seats;
    // Of work that nothing is known of, nobody can say that it takes too long.
    if (this.#queue.size === 0 || meanHoldMs === 0) return 0;
    return nowMs - this.#movedAtMs - Math.max(LEAST_MS, (HOLDS + HOLDS_OF_ONE / inUse) * meanHoldMs);
  }

  #left(nowMs: number): number {
    return Math.min(this.#mostMs, this.#leftMs + REFILL * Math.max(0, nowMs - this.#leftAtMs));
  }
}
