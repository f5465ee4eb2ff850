import type { ConnectionPool } from '../pools/contract.js';

/**
 * Connections of one pool that are kept in hand by requests which wait for one more of it. Once that is all there are,
 * nobody can get on, and nobody would before a deadline: so whoever comes last is not to wait.
 */
export class StandingHands {
  readonly #pool: ConnectionPool;
  #kept = 0;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  /** Whether all connections that the server gives would be kept so, with `more` of them. */
  fullWith(more: number): boolean {
    return this.#kept + more >= this.#pool.gauges().granted;
  }

  /** Requests that wait keep so many more, or fewer where it is negative. */
  change(by: number): void {
    this.#kept += by;
  }
}
