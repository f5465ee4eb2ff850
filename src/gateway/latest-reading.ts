import type { Clock } from '../clock.js';

/** A reading is used for so long before it is taken anew. */
const FRESH_MS = 2_000;
/** One that could not be taken anew is given for so long. */
const KEPT_MS = 10_000;
/** Older than that it is not given at all, as where nobody has asked for a while. */
const STALE_MS = 75_000;

/**
 * Figures from elsewhere for those who read the metrics. They are read when somebody asks and the last ones are not
 * fresh, and the answer is there for the next one who asks: nobody waits for it. Figures that cannot be read anew are
 * soon missing rather than old.
 */
export class LatestReading<Figures> {
  readonly #clock: Clock;
  readonly #read: () => Promise<Figures> | undefined;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #figures: Figures | undefined;
  #failed = false;
  #reading = false;

  /** @param read - `undefined` when they cannot be read at present. */
  constructor(clock: Clock, read: () => Promise<Figures> | undefined) {
    this.#clock = clock;
    this.#read = read;
  }

  /** The last reading; `undefined` before the first, and when the last attempt at another has failed. */
  figures(nowMs: number): Figures | undefined {
    if (!this.#reading && nowMs - this.#readAtMs > FRESH_MS) this.#renew();
    return nowMs - this.#readAtMs > (this.#failed ? KEPT_MS : STALE_MS) ? undefined : this.#figures;
  }

  #renew(): void {
    const reading = this.#read();
    if (reading === undefined) {
      this.#failed = true;
      return;
    }
    this.#reading = true;
    reading
      .then(
        (figures) => {
          this.#figures = figures;
          this.#readAtMs = this.#clock.nowMs();
          this.#failed = false;
        },
        () => {
          // Whoever works there hears of the trouble; here figures are missing.
          this.#failed = true;
        },
      )
      .finally(() => {
        this.#reading = false;
      });
  }
}
