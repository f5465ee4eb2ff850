import { IdleSessions, type Slot } from './idle-sessions.js';
import type { Session } from './session.js';

/** What the opening of a session began under. */
export interface Birth {
  readonly epoch: number;
  readonly generation: number;
}

/**
 * Every session of a pool. Each is in one place: idle, lent, or on its way between the two (being cleaned, validated or
 * closed); a place in the set is free only when its socket is closed.
 */
export class SessionSet {
  readonly idle: IdleSessions = new IdleSessions();
  readonly #minIdle: number;
  readonly #slots = new Map<Session, Slot>();
  /** Told to end because there are more than there may be; their sockets may be open still. */
  readonly #surplus = new Set<Session>();
  #max: number;
  #inUse = 0;
  #epoch = 0;
  /** Sessions of an earlier epoch are not lent any more. */
  #fitFrom = 0;
  #awaited: { readonly epoch: number; readonly resolve: () => void }[] = [];

  /**
   * @param minIdle - The floor: sessions that are kept open also when idle.
   * @param max - Beyond so many, sessions end as they come back.
   */
  constructor(minIdle: number, max: number = Number.POSITIVE_INFINITY) {
    this.#minIdle = minIdle;
    this.#max = max;
  }

  get size(): number {
    return this.#slots.size;
  }

  get inUse(): number {
    return this.#inUse;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** How many are on their way between idle and lent. */
  get between(): number {
    return this.#slots.size - this.idle.size - this.#inUse;
  }

  /** How many can be lent, or are, beyond the floor. */
  get spare(): number {
    return this.idle.size + this.#inUse - this.#minIdle;
  }

  /** How many the floor asks for beyond those that are open. */
  get missing(): number {
    return this.#minIdle - this.#slots.size;
  }

  /** Takes in a new session; it is on its way at first. `lifetimeMs` may be `Infinity`. */
  add(nowMs: number, session: Session, birth: Birth, lifetimeMs: number): Slot {
    const slot: Slot = { session, ...birth, expiresAtMs: nowMs + lifetimeMs, idleSinceMs: nowMs, lent: false };
    this.#slots.set(session, slot);
    return slot;
  }

  /** From now on there may be so many: surplus ones that are idle end at once, longest idle first. */
  resize(max: number): void {
    this.#max = max;
    const idle = this.idle.takeOldest(this.#excess);
    for (const slot of idle) this.#giveUp(slot);
  }

  /** Ends a session that came back, where there are too many. */
  endSurplus(slot: Slot): boolean {
    if (this.#excess <= 0) return false;
    this.#giveUp(slot);
    return true;
  }

  /** Whether a session may still be lent. */
  mayLend(slot: Slot): boolean {
    return slot.epoch >= this.#fitFrom;
  }

  /** From now on no session of before is fit; those that are idle end. */
  outdate(): void {
    this.#epoch += 1;
    this.#fitFrom = this.#epoch;
    for (const slot of this.idle.drain()) slot.session.retire();
  }

  /** From now on sessions of before serve only until others have come in their place. Returns them. */
  supersede(): Slot[] {
    this.#epoch += 1;
    return [...this.#slots.values()].filter(({ session }) => session.alive);
  }

  slotOf(session: Session): Slot | undefined {
    return this.#slots.get(session);
  }

  lend(slot: Slot): void {
    slot.lent = true;
    this.#inUse += 1;
  }

  /** Its borrower is done with it. A second call does nothing. */
  unlend(slot: Slot): void {
    if (!slot.lent) return;
    slot.lent = false;
    this.#inUse -= 1;
  }

  /** Its socket is closed. `undefined` when it was not in the set. */
  remove(session: Session): Slot | undefined {
    const slot = this.#slots.get(session);
    if (slot === undefined) return undefined;
    this.#slots.delete(session);
    this.#surplus.delete(session);
    this.idle.remove(slot);
    this.unlend(slot);
    this.#tellGone();
    return slot;
  }

  /** Resolves when no session of before `epoch` is left. */
  gone(epoch: number): Promise<void> {
    return new Promise((resolve) => {
      this.#awaited.push({ epoch, resolve });
      this.#tellGone();
    });
  }

  /** Nobody is lent one any more: ends every session that nobody uses and that owes nothing, the others as they come back. */
  retireFree(): void {
    this.idle.drain();
    for (const slot of this.#slots.values()) {
      slot.session.hurry();
      if (!slot.lent && slot.session.clean) slot.session.retire();
    }
  }

  /** Ends the sessions of before `epoch` at once, also those that are lent. */
  destroyBefore(epoch: number): void {
    this.#fitFrom = Math.max(this.#fitFrom, epoch);
    for (const slot of this.#slots.values()) {
      if (slot.epoch >= epoch) continue;
      this.idle.remove(slot);
      slot.session.destroy();
    }
  }

  destroyAll(): void {
    this.destroyBefore(Number.POSITIVE_INFINITY);
  }

  get #excess(): number {
    return this.#slots.size - this.#surplus.size - this.#max;
  }

  #giveUp(slot: Slot): void {
    this.#surplus.add(slot.session);
    slot.session.retire();
  }

  #tellGone(): void {
    if (this.#awaited.length === 0) return;
    let oldest = Number.POSITIVE_INFINITY;
    for (const { epoch } of this.#slots.values()) oldest = Math.min(oldest, epoch);
    const waiting = this.#awaited;
    this.#awaited = waiting.filter(({ epoch }) => epoch > oldest);
    for (const { epoch, resolve } of waiting) if (epoch <= oldest) resolve();
  }
}
