/** Requests below which nothing is made of a kind of them. */
export const LEAST_OF_KIND = 20;
/**
 * Quiet: this part of the seats in use at most; where a route is never seen in such a pool, in one that is half empty.
 * The time of a quiet request is a mean over the last so many.
 */
const QUIET_SHARE = 1 / 8;
const HALF_EMPTY_SHARE = 1 / 2;
const QUIET_SAMPLES = 128;

interface MeanTime {
  samples: number;
  ms: number;
}

/** How long the requests of each route hold their seats while hardly anything else does. */
export class QuietTimes {
  readonly #quiet = new Map<string, MeanTime>();
  readonly #halfEmpty = new Map<string, MeanTime>();

  /** A request held its seat for so long, while so many of so many seats were in use at most. */
  note(route: string, heldMs: number, most: number, seats: number): void {
    if (most <= Math.max(1, seats * QUIET_SHARE)) add(this.#quiet, route, heldMs);
    else if (most <= seats * HALF_EMPTY_SHARE) add(this.#halfEmpty, route, heldMs);
  }

  /** In milliseconds; `undefined` where it is not known. */
  ms(route: string): number | undefined {
    const known = [this.#quiet.get(route), this.#halfEmpty.get(route)];
    return known.find((time) => time !== undefined && time.samples >= LEAST_OF_KIND)?.ms;
  }
}

function add(times: Map<string, MeanTime>, route: string, heldMs: number): void {
  const known = times.get(route) ?? { samples: 0, ms: 0 };
  known.samples += 1;
  known.ms += (heldMs - known.ms) / Math.min(known.samples, QUIET_SAMPLES);
  times.set(route, known);
}
