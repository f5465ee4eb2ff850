import type { GatewayConfig, PoolConfig } from '../config/config.js';
import type { PoolerShare } from '../core/budget.js';
import type { ServerLimits } from '../pools/server-limits.js';
import { entryOf, serverOf } from './server-names.js';

/** What is known of a pool: what the server behind it said, and what a pooler in between may open there. */
export interface KnownPool {
  readonly config: PoolConfig;
  readonly limits: ServerLimits | undefined;
  /** It goes through a pooler. */
  readonly pooled: boolean;
}

/** All pools on one server, by whatever way they go there. */
export interface ServerPools {
  /** Its addresses, for messages. */
  readonly name: string;
  /** The first of them, whichever pool was asked for. */
  readonly address: string;
  /** Pools that open their connections there themselves. */
  readonly direct: readonly KnownPool[];
  /** Pools through poolers. */
  readonly pooled: readonly KnownPool[];
}

interface Heard {
  readonly limits: ServerLimits;
  readonly poolerSize: number | undefined;
  readonly pooled: boolean;
}

/**
 * What servers said of themselves, pool by pool: one server has many addresses, and poolers in front of it. A pool that
 * has not connected yet is on the server that its address leads others to.
 */
export class KnownServers {
  readonly #config: GatewayConfig;
  readonly #heard = new Map<string, Heard>();

  constructor(config: GatewayConfig) {
    this.#config = config;
  }

  /** A pool is connected to the server itself. */
  direct(pool: string, limits: ServerLimits): void {
    this.#follow(pool, limits);
    this.#heard.set(pool, { limits, poolerSize: undefined, pooled: false });
  }

  /**
   * A pool is connected through a pooler.
   *
   * @param poolerSize - What the pooler may open for the entry of this pool; `undefined` where nobody knows.
   */
  throughPooler(pool: string, limits: ServerLimits, poolerSize: number | undefined): void {
    this.#follow(pool, limits);
    this.#heard.set(pool, { limits, poolerSize, pooled: true });
  }

  /** The pooler of a pool may open so many connections for its entry. Returns whether that is news. */
  poolerResized(pool: string, poolerSize: number): boolean {
    const heard = this.#heard.get(pool);
    if (heard?.pooled !== true || heard.poolerSize === poolerSize) return false;
    this.#heard.set(pool, { ...heard, poolerSize });
    return true;
  }

  limitsOf(pool: string): ServerLimits | undefined {
    return this.#heard.get(pool)?.limits;
  }

  /** All that are on the server of a pool. */
  with(pool: string): ServerPools {
    const all = [...this.#config.pools.values()].map((config) => this.#known(config));
    let here = all.filter(({ config }) => config.name === pool);
    for (;;) {
      const more = all.filter((each) => here.some((other) => meet(each, other)));
      if (more.length === here.length) break;
      here = more;
    }
    const direct = here.filter(({ pooled }) => !pooled);
    const addresses = [
      ...new Set((direct.length > 0 ? direct : here).map(({ config }) => serverOf(config.url))),
    ].sort();
    const [address = ''] = addresses;
    return { name: addresses.join(' = '), address, direct, pooled: here.filter(({ pooled }) => pooled) };
  }

  /**
   * What poolers may open for these pools, each entry once: the pooler's size, or what the pools use where nobody knows
   * it.
   *
   * @param used - At most what the pools use of it: an entry may be larger than anybody needs.
   */
  shares(pooled: readonly KnownPool[], used = false): PoolerShare[] {
    const entries = new Map<string, KnownPool[]>();
    for (const pool of pooled) {
      const entry = entryOf(pool.config.url);
      entries.set(entry, [...(entries.get(entry) ?? []), pool]);
    }
    return [...entries.values()].map((pools) => {
      const names = pools.map(({ config }) => `"${config.name}"`).join(' and ');
      const needed = pools.reduce((sum, { config }) => sum + config.max, 0) * this.#config.instances;
      const sizes = pools.map(({ config }) => this.#heard.get(config.name)?.poolerSize);
      const size = sizes.find((each) => each !== undefined) ?? needed;
      return { name: `the pooler of ${names}`, size: used ? Math.min(size, needed) : size };
    });
  }

  /** A server that was restarted, or another one in its place: whoever was there with this pool is taken to be there now. */
  #follow(pool: string, { identity, maxConnections, superuserReserved }: ServerLimits): void {
    const before = this.#heard.get(pool)?.limits.identity;
    if (before === undefined || before === identity) return;
    for (const [other, heard] of this.#heard) {
      if (heard.limits.identity !== before) continue;
      const limits = { ...heard.limits, identity, maxConnections, superuserReserved };
      this.#heard.set(other, { ...heard, limits });
    }
  }

  #known(config: PoolConfig): KnownPool {
    const heard = this.#heard.get(config.name);
    return { config, limits: heard?.limits, pooled: heard?.pooled ?? config.pooler === 'pgbouncer' };
  }
}

/** An address may lead to several servers, and a server has several addresses: whoever shares either shares its room. */
function meet(one: KnownPool, other: KnownPool): boolean {
  const way = ({ config, pooled }: KnownPool): string => (pooled ? entryOf(config.url) : serverOf(config.url));
  const identity = one.limits?.identity;
  return way(one) === way(other) || (identity !== undefined && identity === other.limits?.identity);
}
