import dns from 'node:dns';
import type { FaultShopOptions } from './fault-shop.js';

/** What looking a name up comes to: an address, no such name, or no answer at all. */
export type Resolution = string | 'unknown' | 'mute';

type Callback = (error: Error | null, address?: unknown, family?: number) => void;

/**
 * Answers for the resolver of the system about one name, because no test may change what the machine believes. Whoever
 * connects by name asks here; other names go their usual way.
 */
export class Names {
  /** Lookups that have no answer yet. */
  waiting = 0;
  /** The most there were at once. */
  mostWaiting = 0;
  readonly #name: string;
  readonly #usual = dns.lookup;
  #resolution: Resolution;

  constructor(name: string, resolution: Resolution) {
    this.#name = name;
    this.#resolution = resolution;
    dns.lookup = ((host: string, ...rest: unknown[]) => {
      if (host === this.#name) this.#answer(rest);
      else Reflect.apply(this.#usual, dns, [host, ...rest]);
    }) as typeof dns.lookup;
  }

  /** From now on. */
  leadTo(resolution: Resolution): void {
    this.#resolution = resolution;
  }

  restore(): void {
    dns.lookup = this.#usual;
  }

  #answer(rest: readonly unknown[]): void {
    const resolution = this.#resolution;
    const callback = rest.at(-1) as Callback;
    const all = (rest[0] as { all?: boolean } | undefined)?.all === true;
    this.waiting += 1;
    this.mostWaiting = Math.max(this.mostWaiting, this.waiting);
    if (resolution === 'mute') return;
    setImmediate(() => {
      this.waiting -= 1;
      if (resolution === 'unknown') {
        callback(Object.assign(new Error(`getaddrinfo ENOTFOUND ${this.#name}`), { code: 'ENOTFOUND' }));
      } else if (all) callback(null, [{ address: resolution, family: 4 }]);
      else callback(null, resolution, 4);
    });
  }
}

/** How a shop is started whose server has this name, and several addresses of the loopback network. */
export function namedServer(
  name: string,
  addresses: readonly string[],
): Required<Pick<FaultShopOptions, 'settings' | 'arrange'>> {
  return {
    settings: { listen_addresses: addresses.join(',') },
    arrange: async (server) => {
      const url = new URL(server.url);
      url.hostname = name;
      return Object.fromEntries(
        ['CHECKOUT', 'CATALOG', 'REPORTS', 'ADMIN'].map((pool) => [`SLUICE_POOL_${pool}_URL`, url.href]),
      );
    },
  };
}
