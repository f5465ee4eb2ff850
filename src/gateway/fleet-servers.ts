import type { PoolConfig } from '../config/config.js';
import { serverOf } from './server-names.js';

/** What was found out of the servers of an instance, as far as the fleet divides them. */
export class FleetServers {
  readonly #rooms = new Map<string, number>();
  /** Servers of which nobody can tell what they have, and pools through poolers, which see to it themselves. */
  readonly #unbounded = new Set<string>();
  /** Of addresses that lead to one server, the one that names it. */
  readonly #names = new Map<string, string>();
  /** What servers said of themselves, by that name: others of the fleet may go there by other addresses. */
  readonly #identities = new Map<string, ReadonlySet<string>>();

  /**
   * @param room - `undefined` where that cannot be known.
   * @param server - The one of its addresses that names it.
   * @param identity - What it said of itself, the same whatever its address.
   */
  found(pool: PoolConfig, room: number | undefined, server: string, identity: string | undefined): void {
    this.#names.set(serverOf(pool.url), server);
    if (room === undefined) this.#unbounded.add(server);
    else this.#rooms.set(server, room);
    const said = this.#identities.get(server) ?? [];
    if (identity !== undefined) this.#identities.set(server, new Set([...said, identity]));
  }

  /** What a server has for the fleet; `undefined` while nobody knows it. */
  roomOf(server: string): number | undefined {
    return this.#rooms.get(server);
  }

  /** Whether its pools are not bounded. */
  isUnbounded(server: string): boolean {
    return this.#unbounded.has(server);
  }

  /** By what other names the fleet may know a server. */
  aliasesOf(server: string, pools: readonly PoolConfig[]): readonly string[] {
    const names = new Set([...pools.map(({ url }) => serverOf(url)), ...(this.#identities.get(server) ?? [])]);
    names.delete(server);
    return [...names];
  }

  /** The pools of each server that is divided. */
  divided(pools: Iterable<PoolConfig>): [string, PoolConfig[]][] {
    const servers = new Map<string, PoolConfig[]>();
    for (const pool of pools) {
      const address = serverOf(pool.url);
      const server = this.#names.get(address) ?? address;
      if (!this.#unbounded.has(server)) servers.set(server, [...(servers.get(server) ?? []), pool]);
    }
    return [...servers];
  }
}
