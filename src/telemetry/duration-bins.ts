/** Upper bounds of the buckets, in milliseconds, each included; a last bucket holds what is longer. */
export const BUCKET_BOUNDS_MS: readonly number[] = [
  1, 2.5, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000, 30_000,
];

/** What is shorter counts as nothing, what is longer as this: 31 microseconds to one hour. */
const SHORTEST_MS = 1 / 32;
const LONGEST_MS = 3_600_000;

/** The middle of a bin is within 4.5 % of everything in it, as in the histogram of the service times. */
const BINS_PER_OCTAVE = 8;

interface Bucket {
  readonly lowerMs: number;
  /** Of its bins, which divide it evenly on the logarithmic scale. */
  readonly first: number;
  readonly bins: number;
  readonly perLog: number;
}

/** Each bucket is divided for itself, so that a bin lies in one bucket and the buckets of Prometheus stay exact. */
const BUCKETS: readonly Bucket[] = divided([SHORTEST_MS, ...BUCKET_BOUNDS_MS, LONGEST_MS]);

function divided(edges: readonly number[]): Bucket[] {
  let first = 1;
  return edges.slice(1).map((upperMs, index) => {
    const lowerMs = edges[index] ?? 0;
    const bins = Math.ceil(Math.log2(upperMs / lowerMs) * BINS_PER_OCTAVE);
    const bucket = { lowerMs, first, bins, perLog: bins / Math.log(upperMs / lowerMs) };
    first += bins;
    return bucket;
  });
}

// In the form that is quickest to walk through, on the path of each request.
const BOUNDS_MS = Float64Array.from(BUCKET_BOUNDS_MS);
const LOWER_MS = Float64Array.from(BUCKETS, ({ lowerMs }) => lowerMs);
const FIRST = Float64Array.from(BUCKETS, ({ first }) => first);
const BINS = Float64Array.from(BUCKETS, ({ bins }) => bins);
const PER_LOG = Float64Array.from(BUCKETS, ({ perLog }) => perLog);

/**
 * The duration that stands for each bin, in milliseconds: 0, then the middle of the bin on the logarithmic scale, in the
 * four digits that are worth sending.
 */
export const BINS_MS: readonly number[] = [
  0,
  ...BUCKETS.flatMap(({ lowerMs, bins, perLog }) =>
    Array.from({ length: bins }, (_, bin) => Number((lowerMs * Math.exp((bin + 0.5) / perLog)).toPrecision(4))),
  ),
];

/** The first bin beyond each bucket of {@link BUCKET_BOUNDS_MS}. */
export const BUCKET_ENDS: readonly number[] = BUCKETS.slice(0, -1).map(({ first, bins }) => first + bins);

/** The bin of a duration of 0 ms or more. */
export function binOf(ms: number): number {
  if (ms <= SHORTEST_MS) return 0;
  let bucket = 0;
  while (ms > (BOUNDS_MS[bucket] ?? Number.POSITIVE_INFINITY)) bucket += 1;
  // Rounding at the edge of a bucket must not lead into the next one.
  const bin = Math.ceil(Math.log(ms / (LOWER_MS[bucket] ?? 1)) * (PER_LOG[bucket] ?? 0)) - 1;
  return (FIRST[bucket] ?? 0) + Math.min(Math.max(0, bin), (BINS[bucket] ?? 1) - 1);
}

/** The bins in which there is something, ascending, with how much: what is worth sending. */
export type FilledBins = readonly (readonly [bin: number, count: number])[];

/** Rounding in a share of a count must not move a quantile to the next bin. */
const TIE = 1e-9;

/**
 * The duration, in milliseconds, that this share (0 to 1) of what is counted did not exceed, within 4.5 %;
 * `undefined` where nothing is counted.
 *
 * @param binsMs - The duration that stands for each bin: {@link BINS_MS}, or that of another process.
 */
export function quantileOf(share: number, filled: FilledBins, binsMs: readonly number[] = BINS_MS): number | undefined {
  const counted = filled.filter(([, count]) => count > 0);
  const wanted = share * counted.reduce((sum, [, count]) => sum + count, 0) - TIE;
  let upTo = 0;
  const found = counted.find(([, count]) => {
    upTo += count;
    return upTo >= wanted;
  });
  return found && binsMs[found[0]];
}

/** What came into the bins since an earlier look at the same ones. */
export function binsSince(now: FilledBins, earlier: FilledBins = []): FilledBins {
  const before = new Map(earlier);
  return now.map(([bin, count]) => [bin, count - (before.get(bin) ?? 0)]);
}
