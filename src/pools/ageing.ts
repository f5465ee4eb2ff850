import type { Slot } from './idle-sessions.js';
import type { SessionSet } from './session-set.js';

/**
 * Replaces sessions whose lifetime is over, or whose login is one of before: each serves on until another has been opened
 * in its place. Where there is no place for another, one ends ahead of it, and no more do before it is there: a server
 * that lets nobody in any more is not left by those whom it has.
 */
export class Ageing {
  readonly #sessions: SessionSet;
  readonly #onAged: () => void;
  /** They are to be replaced, and serve. */
  readonly #aged = new Set<Slot>();
  /** So many of them end as they come back. */
  #ending = 0;
  /** They end, and have their places still. */
  readonly #leaving = new Set<Slot>();
  /** One has ended, and nothing has come in its place yet. */
  #owed = false;
  /** Whoever comes back next is to be replaced, whatever its age. */
  #next = false;

  /** @param onAged - There is one more to be replaced. */
  constructor(sessions: SessionSet, onAged: () => void) {
    this.#sessions = sessions;
    this.#onAged = onAged;
  }

  /** How many sessions are to be opened in place of others, of which one is enough at a time. */
  get wanted(): 0 | 1 {
    return this.#owed || this.#aged.size > this.#ending ? 1 : 0;
  }

  /** Replaces this session, wherever it is. */
  replace(slot: Slot): void {
    if (this.#leaving.has(slot)) return;
    slot.expiresAtMs = Number.POSITIVE_INFINITY;
    this.#aged.add(slot);
    this.#onAged();
  }

  /** Replaces the session that has been idle for longest, or the next that comes back. */
  replaceOne(): void {
    const { eldest } = this.#sessions.idle;
    if (eldest === undefined) this.#next = true;
    else this.replace(eldest);
  }

  /** Ends a session that came back, where its successor is there or needs its place. */
  ends(nowMs: number, slot: Slot): boolean {
    if (slot.expiresAtMs <= nowMs || this.#next) {
      this.#next = false;
      this.replace(slot);
    }
    if (this.#ending === 0 || !this.#aged.has(slot)) return false;
    this.#ending -= 1;
    this.#end(slot);
    return true;
  }

  /** A session was opened. */
  opened(): void {
    if (this.#owed) this.#owed = false;
    else this.#endOne();
  }

  /**
   * There is no place for a successor: one ends ahead of it, unless that was done and nobody has come since.
   *
   * @param trusted - The last attempts to connect succeeded. If not, no pool gives up its only session.
   */
  makeRoom(trusted: boolean): void {
    if (this.#owed || this.#ending + this.#leaving.size > 0 || !(trusted || this.#sessions.size > 1)) return;
    this.#owed = this.#endOne();
  }

  /** It is gone. */
  forget(slot: Slot): void {
    this.#leaving.delete(slot);
    if (this.#aged.delete(slot)) this.#ending = Math.min(this.#ending, this.#aged.size);
  }

  /** Every session is replaced, for another reason. */
  reset(): void {
    this.#aged.clear();
    this.#ending = 0;
    this.#owed = false;
    this.#next = false;
  }

  /** False where all that are too old end already. */
  #endOne(): boolean {
    if (this.#aged.size <= this.#ending) return false;
    for (const slot of this.#aged) {
      if (!this.#sessions.idle.remove(slot)) continue;
      this.#end(slot);
      return true;
    }
    this.#ending += 1;
    return true;
  }

  #end(slot: Slot): void {
    this.#aged.delete(slot);
    this.#leaving.add(slot);
    slot.session.retire();
  }
}
