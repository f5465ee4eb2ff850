import type { Session } from './session.js';

/** A session and what its pool knows of it. */
export interface Slot {
  readonly session: Session;
  /** The pool's epoch in which its opening began: sessions of an earlier one are not lent again. */
  readonly epoch: number;
  /** The pool's generation in which the session was last known to be good. */
  generation: number;
  /** When its lifetime ends; `Infinity` for never. */
  readonly expiresAtMs: number;
  idleSinceMs: number;
  lent: boolean;
}

/** The sessions that can be lent at once. The one used last is lent first, so that the rest can grow old and go. */
export class IdleSessions {
  /** Ascending by `idleSinceMs`. */
  #stack: Slot[] = [];

  get size(): number {
    return this.#stack.length;
  }

  /** The one that became idle last. */
  get top(): Slot | undefined {
    return this.#stack.at(-1);
  }

  push(slot: Slot): void {
    this.#stack.push(slot);
  }

  pop(): Slot | undefined {
    return this.#stack.pop();
  }

  remove(slot: Slot): void {
    const index = this.#stack.indexOf(slot);
    if (index >= 0) this.#stack.splice(index, 1);
  }

  /** Takes out up to `count`, longest idle first. */
  takeOldest(count: number): Slot[] {
    return this.#stack.splice(0, Math.max(0, count));
  }

  /** Takes all of them out. */
  drain(): Slot[] {
    return this.#stack.splice(0);
  }

  /**
   * Takes out those whose lifetime is over, and of those idle too long at most `spare`, longest idle first.
   *
   * @param idleTimeoutMs - `Infinity` keeps idle sessions.
   */
  takeExpired(nowMs: number, idleTimeoutMs: number, spare: number): Slot[] {
    const expired: Slot[] = [];
    this.#stack = this.#stack.filter((slot) => {
      const tooOld = slot.expiresAtMs <= nowMs;
      const tooIdle = expired.length < spare && slot.idleSinceMs + idleTimeoutMs <= nowMs;
      if (tooOld || tooIdle) expired.push(slot);
      return !tooOld && !tooIdle;
    });
    return expired;
  }

  /** The next instant at which {@link takeExpired} may find something; `Infinity` if none is in sight. */
  nextExpiryMs(idleTimeoutMs: number, spare: number): number {
    const oldest = this.#stack[0];
    const idle = oldest === undefined || spare <= 0 ? Number.POSITIVE_INFINITY : oldest.idleSinceMs + idleTimeoutMs;
    return this.#stack.reduce((earliest, slot) => Math.min(earliest, slot.expiresAtMs), idle);
  }
}
