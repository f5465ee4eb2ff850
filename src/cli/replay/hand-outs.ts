import type { ReplayedGate } from './replayed-policy.js';

/**
 * When the queue of a gate was gone through after something that called for it. That is the same instant, or a later
 * one: a process goes through it after the input of the moment, and one that is busy in a later turn.
 */
export class HandOuts {
  readonly #awaited = new Map<ReplayedGate, ((atMs: number) => void)[]>();

  /** Somebody waits, and the queue of this gate is to be gone through: tells when it was. */
  await(gate: ReplayedGate, tell: (atMs: number) => void): void {
    const awaited = this.#awaited.get(gate);
    if (awaited === undefined) this.#awaited.set(gate, [tell]);
    else awaited.push(tell);
  }

  /** Somebody went through the queue of this gate. */
  happened(gate: ReplayedGate, atMs: number): void {
    const awaited = this.#awaited.get(gate);
    if (awaited === undefined || awaited.length === 0) return;
    for (const tell of awaited.splice(0)) tell(atMs);
  }
}
