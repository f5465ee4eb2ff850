/** What speaks against a database that answers: its failures, or its slowness. Each is judged by itself. */
export type IllReason = 'failure' | 'slow';

/** How a ramp climbs. */
export interface RampSettings {
  /** Length of a step, in milliseconds, above 0. */
  readonly stepMs: number;
  /** As many calls end a good step after a quarter of its length, at least 1. */
  readonly quickCalls: number;
  /** Share of calls, 0 to 1, from which a step is a bad one. */
  readonly badFrom: Readonly<Record<IllReason, number>>;
}

/** The first share that is let through, and the least: a step down from it ends the ramp. */
export const FIRST_SHARE = 0.05;
/** So many bad calls end a step before its time, when they are a bad share of it. */
const BAD_CALLS = 3;
const QUICK_PART = 4;

/**
 * The way back from a little to everything: the share doubles with each healthy step and is halved with each bad one. A
 * step in which nothing was tried proves nothing and goes on until something was.
 *
 * The doubling is TCP's slow start (RFC 5681). A step is judged by the thresholds that would open the circuit rather than
 * by its first failure: a database that fails once in a hundred calls is well enough to get them all.
 */
export class Ramp {
  readonly #settings: RampSettings;
  #share = FIRST_SHARE;
  #stepSinceMs: number;
  #countsFromMs: number;
  #calls = 0;
  readonly #bad: Record<IllReason, number> = { failure: 0, slow: 0 };

  constructor(settings: RampSettings, nowMs: number) {
    this.#settings = settings;
    this.#stepSinceMs = nowMs;
    this.#countsFromMs = nowMs;
  }

  /** Share of the demand to let through: 0 when the ramp has failed, 1 when it is done. */
  get share(): number {
    return this.#share;
  }

  /**
   * A call ended.
   *
   * @param enteredAtMs - When it was let through: what was before the last step down is not held against the new one.
   * @param bad - What speaks against it, if anything does.
   */
  settle(nowMs: number, enteredAtMs: number, bad: IllReason | undefined): void {
    if (enteredAtMs < this.#countsFromMs) return;
    this.#calls += 1;
    if (bad !== undefined) this.#bad[bad] += 1;
    this.turn(nowMs);
  }

  /** Ends the step if it is time. */
  turn(nowMs: number): void {
    if (this.#calls === 0 || this.#share === 0 || this.#share === 1) return;
    const { stepMs, quickCalls } = this.#settings;
    const ageMs = nowMs - this.#stepSinceMs;
    const ill = this.#isIll();
    const over = ageMs >= stepMs || (this.#calls >= quickCalls && ageMs >= stepMs / QUICK_PART);
    if (over || (ill && Math.max(this.#bad.failure, this.#bad.slow) >= BAD_CALLS)) this.#end(nowMs, ill);
  }

  /** How long until the share has grown to so much, in milliseconds, if all goes well. */
  msUntil(nowMs: number, share: number): number {
    const steps = Math.ceil(Math.log2(Math.min(1, share) / Math.max(this.#share, FIRST_SHARE)));
    if (steps <= 0) return 0;
    const { stepMs } = this.#settings;
    return steps * stepMs - Math.min(stepMs, Math.max(0, nowMs - this.#stepSinceMs));
  }

  #isIll(): boolean {
    const { badFrom } = this.#settings;
    return this.#reaches('failure', badFrom.failure) || this.#reaches('slow', badFrom.slow);
  }

  #reaches(reason: IllReason, from: number): boolean {
    return this.#bad[reason] > 0 && this.#bad[reason] >= from * this.#calls;
  }

  #end(nowMs: number, ill: boolean): void {
    if (!ill) this.#share = Math.min(1, this.#share * 2);
    else this.#share = this.#share <= FIRST_SHARE ? 0 : this.#share / 2;
    if (ill) this.#countsFromMs = nowMs;
    this.#stepSinceMs = nowMs;
    this.#calls = 0;
    this.#bad.failure = 0;
    this.#bad.slow = 0;
  }
}
