/** Within this time of its making a pool makes its first attempt to connect. */
const FIRST_WITHIN_MS = 50;
/** Between two connects that nobody waits for, give or take a half. */
const FLOOR_GAP_MS = 25;

/**
 * Spreads the connects that nobody waits for. Processes of one deployment start together, and so do their pools: a
 * server pays for each connect with a process, and all at once would make those slow that serve already.
 */
export class StartSpread {
  readonly #random: () => number;
  #firstAtMs: number;
  #nextAtMs = Number.NEGATIVE_INFINITY;

  /** @param random - Uniform in [0, 1). */
  constructor(nowMs: number, random: () => number) {
    this.#random = random;
    this.#firstAtMs = nowMs + FIRST_WITHIN_MS * random();
  }

  /** Before this instant nothing is opened, whoever waits. */
  get firstAtMs(): number {
    return this.#firstAtMs;
  }

  /** When the next session of the floor may be opened. */
  get nextAtMs(): number {
    return this.#nextAtMs;
  }

  /** A session is open: borrowers do not wait for this any more. */
  opened(): void {
    this.#firstAtMs = Number.NEGATIVE_INFINITY;
  }

  /** Of those that the floor is `missing`, how many may be on their way now, of which `connecting` are already. */
  floor(nowMs: number, missing: number, connecting: number): number {
    if (missing <= connecting || nowMs < this.#nextAtMs) return Math.min(missing, connecting);
    this.#nextAtMs = nowMs + FLOOR_GAP_MS * (0.5 + this.#random());
    return connecting + 1;
  }
}
