import type { Session } from './session.js';

/** A session and what its pool knows of it. */
export interface Slot {
  readonly session: Session;
  /** The pool's epoch in which its opening began: sessions of an earlier one are not lent again. */
  readonly epoch: number;
  /** The pool's generation in which the session was last known to be good. */
  generation: number;
  /** When its lifetime ends; `Infinity` for never, and once that was seen. */
  expiresAtMs: number;
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

  /** The one that has been idle for longest. */
  get eldest(): Slot | undefined {
    return this.#stack[0];
  }

  push(slot: Slot): void {
    this.#stack.push(slot);
  }

  pop(): Slot | undefined {
    return this.#stack.pop();
  }

  /** False where it is not idle. */
  remove(slot: Slot): boolean {
    const index = this.#stack.indexOf(slot);
    if (index >= 0) this.#stack.splice(index, 1);
    return index >= 0;
  }

  /** Takes out up to `count`, longest idle first. */
  takeOldest(count: number): Slot[] {
    return this.#stack.splice(0, Math.max(0, count));
  }

  /** Takes all of them out. */
  drain(): Slot[] {
    return this.#stack.splice(0);
  }

  /** Takes out at most `spare` of those to whom this applies, longest idle first. */
  takeSpare(spare: number, applies: (slot: Slot) => boolean): Slot[] {
    const taken: Slot[] = [];
    this.#stack = this.#stack.filter((slot) => {
      const goes = taken.length < spare && applies(slot);
      if (goes) taken.push(slot);
      return !goes;
    });
    return taken;
  }

  /** Those whose lifetime is over. */
  tooOld(nowMs: number): Slot[] {
    return this.#stack.filter((slot) => slot.expiresAtMs <= nowMs);
  }

  /** The next instant at which {@link takeSpare} or {@link tooOld} may find something; `Infinity` if none is in sight. */
  nextExpiryMs(idleTimeoutMs: number, spare: number): number {
    const oldest = this.#stack[0];
    const idle = oldest === undefined || spare <= 0 ? Number.POSITIVE_INFINITY : oldest.idleSinceMs + idleTimeoutMs;
    return this.#stack.reduce((earliest, slot) => Math.min(earliest, slot.expiresAtMs), idle);
  }
}
