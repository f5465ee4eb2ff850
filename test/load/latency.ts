import type { Latency } from './plan.js';

/** Collects durations and sums them up. Bounded by the run's own bound on requests. */
export class Durations {
  #values: Float64Array = new Float64Array(1_024);
  #count = 0;

  add(valueMs: number): void {
    if (this.#count === this.#values.length) {
      const larger = new Float64Array(this.#values.length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#count] = valueMs;
    this.#count += 1;
  }

  summary(): Latency {
    const sorted = this.#values.slice(0, this.#count).sort();
    let sumMs = 0;
    for (const value of sorted) sumMs += value;
    return {
      count: sorted.length,
      meanMs: sorted.length === 0 ? 0 : round(sumMs / sorted.length),
      p50Ms: round(percentile(sorted, 0.5)),
      p90Ms: round(percentile(sorted, 0.9)),
      p99Ms: round(percentile(sorted, 0.99)),
      maxMs: round(percentile(sorted, 1)),
    };
  }
}

/** Nearest rank: the smallest value that at least `share` of all values do not exceed. 0 where there are none. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return sorted[rank - 1] ?? 0;
}

/** Microseconds are as fine as these measurements are true. */
function round(valueMs: number): number {
  return Math.round(valueMs * 1_000) / 1_000;
}
