import type { Clock, Timer } from '../clock.js';
import type { Slot } from './idle-sessions.js';
import type { SessionSet } from './session-set.js';
import { timeLimit } from './time-limit.js';

/**
 * Retires the sessions of a pool that grow too old, or are idle for too long beyond the floor. One timer, armed only
 * while there are some.
 */
export class Sweeper {
  readonly #clock: Clock;
  readonly #sessions: SessionSet;
  readonly #idleTimeoutMs: number;
  #timer: Timer | undefined;
  #atMs = Number.POSITIVE_INFINITY;

  /** @param idleTimeoutMs - 0 keeps idle sessions. */
  constructor(clock: Clock, sessions: SessionSet, idleTimeoutMs: number) {
    this.#clock = clock;
    this.#sessions = sessions;
    this.#idleTimeoutMs = idleTimeoutMs > 0 ? idleTimeoutMs : Number.POSITIVE_INFINITY;
  }

  /** Looks after a session that has just become idle. */
  watch(nowMs: number, slot: Slot): void {
    const idleEndMs = this.#sessions.spare > 0 ? nowMs + this.#idleTimeoutMs : Number.POSITIVE_INFINITY;
    this.#by(nowMs, Math.min(idleEndMs, slot.expiresAtMs));
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Sweeps at this instant at the latest; `Infinity` asks for nothing. */
  #by(nowMs: number, atMs: number): void {
    if (atMs >= this.#atMs) return;
    this.#timer?.cancel();
    this.#atMs = atMs;
    this.#timer = timeLimit(this.#clock, atMs - nowMs, () => {
      this.#atMs = Number.POSITIVE_INFINITY;
      this.#sweep();
    });
  }

  #sweep(): void {
    const nowMs = this.#clock.nowMs();
    const { idle, spare } = this.#sessions;
    for (const slot of idle.takeExpired(nowMs, this.#idleTimeoutMs, spare)) slot.session.retire();
    this.#by(nowMs, idle.nextExpiryMs(this.#idleTimeoutMs, this.#sessions.spare));
  }
}
