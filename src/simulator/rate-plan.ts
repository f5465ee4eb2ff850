/** One phase of a stream's arrivals. */
export interface RatePhase {
  /** Arrivals a second, at the start of the phase; 0 or more. */
  readonly perSecond: number;
  /** Arrivals a second at its end: the rate changes evenly in between. Default: `perSecond`. */
  readonly toPerSecond?: number | undefined;
  /** How long the phase lasts, in milliseconds. Absent only in the last phase, which goes on. */
  readonly forMs?: number | undefined;
}

interface Segment {
  readonly fromMs: number;
  readonly forMs: number;
  /** Arrivals a millisecond, at the start and at the end. */
  readonly from: number;
  readonly to: number;
}

/**
 * The rate of a stream over time, by phases. Arrivals are made by a change of time: a gap is an amount of expected
 * arrivals (exponential with mean 1 for a Poisson stream, exactly 1 for an even one), and {@link after} finds the
 * instant at which so many have been expected. Exact for ramps, without thinning (Çinlar 1975, chapter 4.7).
 */
export class RatePlan {
  readonly #segments: readonly Segment[];

  /** The last phase goes on at its final rate, also where it is given an end. */
  constructor(phases: readonly RatePhase[]) {
    const segments: Segment[] = [];
    let fromMs = 0;
    for (const { perSecond, toPerSecond, forMs } of phases) {
      const length = forMs ?? Number.POSITIVE_INFINITY;
      segments.push({ fromMs, forMs: length, from: perSecond / 1000, to: (toPerSecond ?? perSecond) / 1000 });
      fromMs += length;
    }
    const last = segments.at(-1);
    if (last !== undefined && last.forMs !== Number.POSITIVE_INFINITY) {
      segments.push({ fromMs, forMs: Number.POSITIVE_INFINITY, from: last.to, to: last.to });
    }
    this.#segments = segments;
  }

  /** The instant at which `mass` more arrivals have been expected since `fromMs`; `Infinity` if that never comes. */
  after(fromMs: number, mass: number): number {
    let left = mass;
    for (const segment of this.#segments) {
      const endMs = segment.fromMs + segment.forMs;
      if (endMs <= fromMs) continue;
      const start = Math.max(0, fromMs - segment.fromMs);
      const within = timeFor(segment, start, left);
      if (start + within <= segment.forMs) return segment.fromMs + start + within;
      left -= massOf(segment, start, segment.forMs);
    }
    return Number.POSITIVE_INFINITY;
  }

  /** Arrivals a second that are expected at an instant. */
  perSecond(atMs: number): number {
    const segment = this.#segments.findLast(({ fromMs }) => fromMs <= atMs);
    return segment === undefined ? 0 : rateIn(segment, atMs - segment.fromMs) * 1000;
  }
}

function slopeOf({ from, to, forMs }: Segment): number {
  return forMs === Number.POSITIVE_INFINITY ? 0 : (to - from) / forMs;
}

function rateIn(segment: Segment, atMs: number): number {
  return segment.from + slopeOf(segment) * atMs;
}

function massOf(segment: Segment, startMs: number, endMs: number): number {
  return ((rateIn(segment, startMs) + rateIn(segment, endMs)) / 2) * (endMs - startMs);
}

/** Solves rate x t + slope x t² / 2 = mass for t; `Infinity` where a falling rate never yields so many. */
function timeFor(segment: Segment, startMs: number, mass: number): number {
  const rate = rateIn(segment, startMs);
  const slope = slopeOf(segment);
  if (slope === 0) return rate > 0 ? mass / rate : Number.POSITIVE_INFINITY;
  const root = rate * rate + 2 * slope * mass;
  // This form of the root loses nothing to cancellation where the slope is small.
  return root < 0 ? Number.POSITIVE_INFINITY : (2 * mass) / (rate + Math.sqrt(root));
}
