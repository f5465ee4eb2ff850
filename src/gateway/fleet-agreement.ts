import type { GatewayConfig } from '../config/config.js';
import type { BucketLimit } from '../core/prepaid-options.js';
import { disagreements, type FleetFields, fieldsText, fleetFields, readFields, strictest } from './fleet-fields.js';

interface InForce {
  readonly own: BucketLimit;
  readonly limit: { refillPerSecond: number; burst: number };
}

/**
 * What holds where instances of a fleet are configured differently: of what they share the strictest value of all that
 * live, whether or not anybody asks them for anything. Before the others were heard, the own one.
 */
export class FleetAgreement {
  /** What this instance says of itself. */
  readonly text: string;
  readonly #fields: FleetFields;
  readonly #warn: (code: string, message: string) => void;
  #others: readonly FleetFields[] = [];
  #disagreements: readonly string[] = [];
  readonly #limits = new Map<string, InForce>();

  constructor(config: GatewayConfig, warn: (code: string, message: string) => void) {
    this.#fields = fleetFields(config);
    this.text = fieldsText(this.#fields);
    this.#warn = warn;
  }

  /** In how many things the configurations of the fleet differ. */
  get disagreements(): number {
    return this.#disagreements.length;
  }

  /** What the others say that differs from what this one says, all of it. Told in the log where it is news. */
  hear(texts: readonly string[]): void {
    this.#others = texts.map(readFields);
    for (const [path, inForce] of this.#limits) Object.assign(inForce.limit, this.#strictestLimit(path, inForce.own));
    const before = this.#disagreements.join();
    this.#disagreements = disagreements(this.#fields, this.#others);
    if (this.#disagreements.length === 0 || this.#disagreements.join() === before) return;
    const text = `instances of this fleet disagree: ${this.#disagreements.join('; ')}. Give all of them the same configuration.`;
    this.#warn('fleet_mismatch', text);
  }

  /** The most connections that a pool may have. */
  mostConnections(pool: string, own: number): number {
    return Math.max(1, strictest(`pools.${pool}.max`, own, this.#others));
  }

  /**
   * Rate and burst of a bucket that the fleet shares, as they hold at each moment: always the same object.
   *
   * @param path - Where they are configured, with the dot at its end: `routes.search.perCaller.`
   * @param own - As this instance is configured.
   */
  limit(path: string, own: BucketLimit): BucketLimit {
    const known = this.#limits.get(path);
    if (known !== undefined) return known.limit;
    const limit = this.#strictestLimit(path, own);
    this.#limits.set(path, { own, limit });
    return limit;
  }

  #strictestLimit(path: string, { refillPerSecond, burst }: BucketLimit): InForce['limit'] {
    const sharing = this.#others.filter((other) => this.#shares(path, other));
    return {
      refillPerSecond: strictest(`${path}ratePerSecond`, refillPerSecond, sharing),
      burst: strictest(`${path}burst`, burst, sharing),
    };
  }

  /** Whether it counts in the same bucket: not where it only observes, nor where the route keeps to itself there. */
  #shares(path: string, other: FleetFields): boolean {
    const { mode } = this.#fields;
    const { mode: theirs, [`${path.replace(/perCaller\.$/, '')}fleetWide`]: fleetWide } = other;
    return theirs === mode && fleetWide !== false;
  }
}
