import type { HistogramSnapshot } from '../../src/telemetry/snapshot.js';

/**
 * The duration, in ms, that this share (0 to 1) of the observations between two snapshots of one histogram did not
 * exceed, interpolated within its bucket: the last bound when it lies beyond, `null` where there was none.
 */
export function quantileBetween(
  share: number,
  boundsMs: readonly number[],
  newer: HistogramSnapshot,
  older: HistogramSnapshot | undefined,
): number | null {
  const count = newer.count - (older?.count ?? 0);
  if (count <= 0) return null;
  const wanted = share * count;
  let below = 0;
  let lowerMs = 0;
  for (const [index, upperMs] of boundsMs.entries()) {
    const upTo = (newer.cumulative[index] ?? 0) - (older?.cumulative[index] ?? 0);
    if (upTo > below && upTo >= wanted) return lowerMs + ((upperMs - lowerMs) * (wanted - below)) / (upTo - below);
    below = upTo;
    lowerMs = upperMs;
  }
  return lowerMs;
}
