import type { Clock, Timer } from '../clock.js';
import type { Outage } from '../core/outage.js';
import type { PriorityRank } from '../core/priority.js';
import { spreadRetryMs } from '../core/retry-jitter.js';
import type { ErrorCode, SluiceError } from '../errors.js';

/** Where a refusal names no wait, or none worth the name: doubled with each one in a row. */
const SHORTEST_WAIT_MS = 100;
const LONGEST_DOUBLING = 8;
/** How often a chunk that lacks its database is looked at. */
const LOOK_MS = 250;
const SOONEST_LOOK_MS = 10;

/** Their waits are known: to come sooner is in vain. */
const NOT_BEFORE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['rate_limited', 'breaker_open', 'outside_window']);

/** What the patience of a job goes by. */
export interface PatienceParts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly rank: PriorityRank;
  readonly patienceMs: number;
  /** Absent on a route without seats. */
  readonly outage: Outage | undefined;
}

/** How long a job goes without finishing a chunk, and when it tries the same one again. */
export class ChunkPatience {
  readonly #parts: PatienceParts;
  #sinceMs: number;
  #inARow = 0;

  constructor(parts: PatienceParts) {
    this.#parts = parts;
    this.#sinceMs = parts.clock.nowMs();
  }

  /** A chunk was finished. */
  finished(): void {
    this.#inARow = 0;
    this.#sinceMs = this.#parts.clock.nowMs();
  }

  /** For how long to stay away after a failure, in milliseconds; `undefined` where the patience is over before that. */
  waitAfter(error: SluiceError, began: boolean): number | undefined {
    const { clock, random, rank } = this.#parts;
    const nowMs = clock.nowMs();
    const drawn = random();
    // The work until a connection was lost was no waiting.
    this.#sinceMs = began && error.code !== 'database_unavailable' ? this.#firstTime(nowMs) : this.#from(nowMs, began);
    const leftMs = this.#sinceMs + this.#parts.patienceMs - nowMs;
    const shortMs = SHORTEST_WAIT_MS * 2 ** Math.min(this.#inARow, LONGEST_DOUBLING) * (1 + drawn);
    const waitMs = Math.max(shortMs, spreadRetryMs(error.code, error.retryAfterMs ?? 0, rank, drawn));
    this.#inARow += 1;
    if (waitMs <= leftMs) return waitMs;
    return leftMs <= 0 || NOT_BEFORE.has(error.code) ? undefined : Math.min(shortMs, leftMs);
  }

  /**
   * Calls `giveUp` when a chunk has lacked its database for as long as there is patience, and again while it does.
   *
   * @returns Ends that.
   */
  watch(began: () => boolean, giveUp: (outage: Outage) => void): () => void {
    const { clock, patienceMs, outage } = this.#parts;
    if (outage === undefined) return () => undefined;
    let timer: Timer;
    const look = (): void => {
      const nowMs = clock.nowMs();
      if (outage.down && !outage.doubted(nowMs) && nowMs - this.#from(nowMs, began()) >= patienceMs) giveUp(outage);
      timer = clock.after(this.#nextLookMs(nowMs), look);
    };
    timer = clock.after(this.#nextLookMs(clock.nowMs()), look);
    return () => timer.cancel();
  }

  #nextLookMs(nowMs: number): number {
    const leftMs = this.#sinceMs + this.#parts.patienceMs - nowMs;
    return leftMs <= 0 ? LOOK_MS : Math.min(LOOK_MS, Math.max(SOONEST_LOOK_MS, leftMs));
  }

  /** Since when the job waits: a chunk that was at work at first has waited for no longer than its database is away. */
  #from(nowMs: number, began: boolean): number {
    const lastedMs = this.#parts.outage?.lastedMs(nowMs) ?? 0;
    return began && this.#inARow === 0 && lastedMs > 0 ? Math.max(this.#sinceMs, nowMs - lastedMs) : this.#sinceMs;
  }

  #firstTime(nowMs: number): number {
    return this.#inARow === 0 ? nowMs : this.#sinceMs;
  }
}
