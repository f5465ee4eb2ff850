import type { Archive } from './archive.js';

/**
 * So long it may be no more than a session that ended, which looks the same until another one has answered or a new one
 * was opened: nobody is refused for that.
 */
const DOUBT_MS = 50;

/**
 * Whether the server behind a bulkhead can be reached, and how much of an outage is still worth waiting out. A pure
 * state: the instant is an argument.
 */
export class Outage {
  readonly #rideOutMs: number;
  #sinceMs: number | undefined;
  #recoveringUntilMs = Number.NEGATIVE_INFINITY;

  /** @param rideOutMs - How much of an outage tickets wait out, from its start, in milliseconds, at least 0. */
  constructor(rideOutMs: number) {
    this.#rideOutMs = rideOutMs;
  }

  /** True from the loss of the server to the first success. */
  get down(): boolean {
    return this.#sinceMs !== undefined;
  }

  /** The outage began. A second call during one outage changes nothing. */
  begin(nowMs: number): void {
    this.#sinceMs ??= nowMs;
  }

  /** The server answers again. */
  end(nowMs: number): void {
    if (this.#sinceMs === undefined) return;
    this.#sinceMs = undefined;
    this.#recoveringUntilMs = nowMs + this.#rideOutMs;
  }

  /** The backlog that the outage left has drained. */
  recovered(): void {
    this.#recoveringUntilMs = Number.NEGATIVE_INFINITY;
  }

  /** Milliseconds since the start of the outage; 0 when there is none. */
  lastedMs(nowMs: number): number {
    return this.#sinceMs === undefined ? 0 : Math.max(0, nowMs - this.#sinceMs);
  }

  /** Milliseconds for which tickets still wait this outage out; 0 when its time is over. */
  leftToRideOutMs(nowMs: number): number {
    return this.#sinceMs === undefined ? 0 : Math.max(0, this.#sinceMs + this.#rideOutMs - nowMs);
  }

  /** The instant from which it is no session that ended; `undefined` when there is no outage. */
  get knownAtMs(): number | undefined {
    return this.#sinceMs === undefined ? undefined : this.#sinceMs + Math.min(DOUBT_MS, this.#rideOutMs);
  }

  /** Whether it may be no more than a session that ended. */
  doubted(nowMs: number): boolean {
    return this.knownAtMs !== undefined && nowMs < this.knownAtMs;
  }

  /** For how long the outage goes on, as far as can be expected, in milliseconds; 0 when its time is over. */
  expectedMs(nowMs: number): number {
    return this.doubted(nowMs) ? (this.knownAtMs ?? nowMs) - nowMs : this.leftToRideOutMs(nowMs);
  }

  /** The instant at which those that wait are given up; `undefined` when there is no outage. */
  get givenUpAtMs(): number | undefined {
    return this.#sinceMs === undefined ? undefined : this.#sinceMs + this.#rideOutMs;
  }

  /**
   * The same for those that have a seat and lack a connection. They are no more refused for a session that ended than
   * those that wait for a seat, and cannot come at another time.
   */
  get connectionsGivenUpAtMs(): number | undefined {
    return this.#sinceMs === undefined ? undefined : this.#sinceMs + Math.max(DOUBT_MS, this.#rideOutMs);
  }

  /**
   * True after an outage while the backlog it left drains, for as long as the outage would have been waited out: the bound on queued work is judged by
   * feasibility alone, or the backlog would make the server look overloaded and shed those who can be served in time.
   */
  recovering(nowMs: number): boolean {
    return nowMs < this.#recoveringUntilMs;
  }

  /** Carries its state; see {@link Archive}. */
  archive(io: Archive): void {
    this.#sinceMs = io.optional(this.#sinceMs);
    this.#recoveringUntilMs = io.number(this.#recoveringUntilMs);
  }
}
