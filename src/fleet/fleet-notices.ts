/** Something to log, with a stable code; names no secret. */
export type Warn = (code: string, message: string) => void;

/** What a fleet says in the log of one instance; what would be said with every answer is said once. */
export class FleetNotices {
  readonly #warn: Warn;
  /** What was told last, by what it is about. */
  readonly #told = new Map<string, string>();

  constructor(warn: Warn) {
    this.#warn = warn;
  }

  /** Nothing is heard of Redis. @param place - Where it is, for people. */
  degraded(place: string, why: string): void {
    this.#warn(
      'fleet_degraded',
      `${place} does not answer (${why}): each instance goes on with its own share of the limits`,
    );
  }

  restored(): void {
    this.#warn('fleet_restored', 'Redis answers again: limits hold over the whole fleet');
  }

  /** It has turned out why Redis never answered. */
  explained(place: string, why: string): void {
    if (this.#isNew('trouble', why)) this.#warn('fleet_trouble', `${place} cannot be used (${why})`);
  }

  /** Redis is away, and this instance has no part in a lane. */
  laneClosed(lane: string, places: number, instances: number): void {
    this.#warn(
      'fleet_lane_closed',
      `Redis is away, and "${lane}" has ${places} places for ${instances} instances: this one serves none of it until ` +
        'Redis is back. Let fleetMaxConcurrent be at least the number of instances.',
    );
  }

  /** Others have a stricter rate for a bucket; said for all callers of a route together. */
  stricterRate(bucket: string, refillPerSecond: number, burst: number): void {
    const about = `the rate limit "${withoutCaller(bucket)}"; the stricter one holds`;
    this.#disagree(about, `${refillPerSecond} per second, burst ${burst}`);
  }

  /** Others have fewer places in a lane. */
  stricterLane(lane: string, places: number): void {
    this.#disagree(`the concurrent work of "${lane}"; the least holds`, `${places}`);
  }

  /** What stood under a key of the fleet was none of its own, and is replaced. */
  replaced(key: string): void {
    const name = withoutCaller(key);
    if (!this.#isNew(`replaced ${name}`, '')) return;
    this.#warn(
      'fleet_key_replaced',
      `Redis held something else under ${name} than a fleet writes: it was replaced. ` +
        'Keys that begin with "sluice:" belong to the fleets; let nobody else write them.',
    );
  }

  #disagree(about: string, value: string): void {
    if (!this.#isNew(about, value)) return;
    this.#warn(
      'fleet_mismatch',
      `instances of this fleet disagree about ${about}: ${value}. Give all of them the same configuration.`,
    );
  }

  #isNew(about: string, value: string): boolean {
    if (this.#told.get(about) === value) return false;
    this.#told.set(about, value);
    return true;
  }
}

function withoutCaller(key: string): string {
  return key.replace(/:caller:.*/s, ':caller');
}
