import type { ConnectionPool } from '../pools/contract.js';
import type { Loan } from './loan.js';
import type { PoolRuntime } from './pool-runtime.js';
import { nestedConnection } from './refusals.js';

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

/**
 * How many connections a handler keeps in its hands. One that is at work, or was borrowed for a single statement, comes
 * back by itself.
 */
export function keptInHand(loans: Iterable<Loan>): number {
  let kept = 0;
  for (const loan of loans) if (loan.keptInHand) kept += 1;
  return kept;
}

/** What one request keeps in hand while it waits for more. */
export class Hands {
  readonly #loans: ReadonlySet<Loan>;
  readonly #standing: StandingHands;
  #waits = 0;
  /** As the pool was told. */
  #kept = 0;

  constructor(loans: ReadonlySet<Loan>, standing: StandingHands) {
    this.#loans = loans;
    this.#standing = standing;
  }

  /**
   * The request is about to wait; {@link waited} follows.
   *
   * @throws Error - where nobody would get on then.
   */
  wait(route: string, { name }: PoolRuntime): void {
    if (this.#standing.fullWith(keptInHand(this.#loans) - this.#kept)) throw nestedConnection(route, name);
    this.#waits += 1;
    this.note();
  }

  /** It waits no longer. */
  waited(): void {
    this.#waits -= 1;
    this.note();
  }

  /** What it keeps may have changed. */
  note(): void {
    const kept = this.#waits === 0 ? 0 : keptInHand(this.#loans);
    this.#standing.change(kept - this.#kept);
    this.#kept = kept;
  }
}
