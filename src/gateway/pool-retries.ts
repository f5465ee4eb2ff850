import { setMaxListeners } from 'node:events';
import { RetryBudget } from '../core/retry-budget.js';
import type { RetryOutcome } from '../telemetry/source.js';

/** The retried transactions of one pool: what they may cost together, and what became of them. */
export class PoolRetries {
  readonly budget: RetryBudget = new RetryBudget();
  readonly counts: Record<RetryOutcome, number> = {
    retried: 0,
    recovered: 0,
    out_of_tries: 0,
    out_of_budget: 0,
    out_of_time: 0,
  };

  readonly #ending = new AbortController();

  constructor() {
    // Each transaction that waits listens, and no longer than it waits.
    setMaxListeners(0, this.#ending.signal);
  }

  /** Aborted when the pool ends, and nothing is worth a wait any more. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  end(): void {
    this.#ending.abort();
  }

  count(outcome: RetryOutcome): void {
    this.counts[outcome] += 1;
  }
}
