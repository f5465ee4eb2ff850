import { seededRandom } from '../../simulator/random.js';
import type { LoggedRequest } from './logged-request.js';

/** What is assumed of a route of which no request ended in the log, in milliseconds. */
const ASSUMED_MS = 50;

/**
 * How long requests hold their seats. Of one that was served to its end the log says so; of one that was refused, cut
 * short or still in flight nobody knows: it takes as long as one of the same route that was served, drawn by seed.
 */
export class HoldTimes {
  readonly #known = new Map<string, number[]>();
  readonly #seed: number;
  /** Requests whose time was drawn. */
  drawn = 0;
  /** Routes of which nothing is known. */
  readonly assumed: Set<string> = new Set();

  constructor(requests: readonly LoggedRequest[], seed: number) {
    this.#seed = seed;
    for (const { route, leasedAtMs, endedAtMs, cutShort } of requests) {
      if (leasedAtMs === undefined || endedAtMs === undefined || cutShort) continue;
      const held = this.#known.get(route);
      if (held === undefined) this.#known.set(route, [endedAtMs - leasedAtMs]);
      else held.push(endedAtMs - leasedAtMs);
    }
    for (const held of this.#known.values()) held.sort((one, other) => one - other);
  }

  /** How long a request holds its seat if nothing stops it, in milliseconds. */
  of({ record, route, leasedAtMs, endedAtMs, cutShort }: LoggedRequest): number {
    const seenMs = leasedAtMs === undefined || endedAtMs === undefined ? undefined : endedAtMs - leasedAtMs;
    if (seenMs !== undefined && !cutShort) return seenMs;
    this.drawn++;
    const held = this.#known.get(route);
    if (held === undefined) {
      this.assumed.add(route);
      return Math.max(ASSUMED_MS, seenMs ?? 0);
    }
    // Of one that was cut short it is known that it took at least so long.
    const from = seenMs === undefined ? 0 : held.findIndex((ms) => ms > seenMs);
    if (from === -1) return Number.POSITIVE_INFINITY;
    // By request, so that it takes as long under all settings that are compared.
    const drawn = seededRandom(this.#seed, `request ${record}`)();
    return held[from + Math.floor(drawn * (held.length - from))] ?? ASSUMED_MS;
  }
}
