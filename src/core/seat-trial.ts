/**
 * A change of the seats by a factor is worth its while when throughput changes by that factor to this power. Above
 * the larger one seats are worth having, below the smaller one they are not; between them everything stays as it is.
 */
const WORTH_KEEPING = 0.05;
const WORTH_TAKING = 0.15;

/**
 * How clear the mean of so many comparisons must be to decide, as a difference of logarithms; after the last of them the
 * sign decides. Neighbours on the machine shake single windows by a fifth and sometimes by a half, so nothing is changed
 * for one of them; what costs much is taken back after one.
 */
const CLEARLY_WORSE = [0.4, 0.2, 0.15, 0.12, 0.1, 0] as const;
const CLEARLY_BETTER = [Number.POSITIVE_INFINITY, 0.3, 0.2, 0.15, 0.1, 0] as const;

/** So little throughput is none: next to it everything is better, and two times none are equal. */
const NOTHING = 0.001;

/** What a {@link SeatTrial} found. */
export type TrialVerdict = 'better' | 'worse';

/** Two numbers of seats, measured in turns, so that what else goes on meanwhile touches both. */
export class SeatTrial {
  readonly from: number;
  readonly to: number;
  readonly beganAtMs: number;
  #turn: number;
  #fromThroughput: number;
  #gain = 0;
  #comparisons = 0;

  /** @param fromThroughput - What `from` seats have just achieved: it is the turn of `to`. */
  constructor(nowMs: number, from: number, to: number, fromThroughput: number) {
    this.from = from;
    this.to = to;
    this.beganAtMs = nowMs;
    this.#turn = to;
    this.#fromThroughput = fromThroughput;
  }

  /** The number of seats whose turn it is. */
  get seats(): number {
    return this.#turn;
  }

  get rising(): boolean {
    return this.to > this.from;
  }

  /** What the seats whose turn it was achieved. `undefined` while that is not clear: then it is the turn of the others. */
  measured(throughput: number): TrialVerdict | undefined {
    if (this.#turn === this.from) {
      this.#fromThroughput = throughput;
      this.#turn = this.to;
      return undefined;
    }
    const worth = this.rising ? WORTH_TAKING : WORTH_KEEPING;
    const change = Math.log((throughput + NOTHING) / (this.#fromThroughput + NOTHING));
    this.#gain += change - worth * Math.log(this.to / this.from);
    this.#comparisons++;
    const gain = this.#gain / this.#comparisons;
    if (gain < 0 && -gain >= (CLEARLY_WORSE[this.#comparisons - 1] ?? 0)) return 'worse';
    if (gain >= 0 && gain >= (CLEARLY_BETTER[this.#comparisons - 1] ?? 0)) return 'better';
    this.#turn = this.from;
    return undefined;
  }
}
