import type { Clock, Timer } from '../clock.js';
import type { Ageing } from './ageing.js';
import type { Slot } from './idle-sessions.js';
import type { SessionSet } from './session-set.js';
import { timeLimit } from './time-limit.js';

/** What a sweeper works on. */
export interface SweeperParts {
  readonly clock: Clock;
  readonly sessions: SessionSet;
  readonly ageing: Ageing;
  /** 0 keeps idle sessions. */
  readonly idleTimeoutMs: number;
  /** Whether the last attempts to connect succeeded, so that who is not needed need not be kept. */
  readonly canConnect: () => boolean;
}

/**
 * Looks after idle sessions: ends those beyond the floor that are idle for too long or too old, and has the others that
 * are too old replaced. One timer, armed only while there are some.
 */
export class Sweeper {
  readonly #clock: Clock;
  readonly #sessions: SessionSet;
  readonly #ageing: Ageing;
  readonly #canConnect: () => boolean;
  readonly #idleTimeoutMs: number;
  #timer: Timer | undefined;
  #atMs = Number.POSITIVE_INFINITY;

  constructor({ clock, sessions, ageing, idleTimeoutMs, canConnect }: SweeperParts) {
    this.#clock = clock;
    this.#sessions = sessions;
    this.#ageing = ageing;
    this.#canConnect = canConnect;
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
    const canConnect = this.#canConnect();
    const leaves = (slot: Slot): boolean =>
      slot.idleSinceMs + this.#idleTimeoutMs <= nowMs || (canConnect && slot.expiresAtMs <= nowMs);
    for (const slot of idle.takeSpare(spare, leaves)) slot.session.retire();
    for (const slot of idle.tooOld(nowMs)) this.#ageing.replace(slot);
    this.#by(nowMs, idle.nextExpiryMs(this.#idleTimeoutMs, this.#sessions.spare));
  }
}
