import type { Clock } from '../clock.js';
import { isSluiceError } from '../errors.js';
import { ImplicitCommitError } from '../pools/implicit-commit.js';
import type { RetryOutcome } from '../telemetry/source.js';
import type { PoolRuntime } from './pool-runtime.js';
import { backoffAfter, type RetryPlan } from './retry-options.js';
import { sleep } from './sleep.js';

/** The request whose transactions are tried again. */
export interface RetryingRequest {
  readonly deadlineAtMs: number;
  readonly signal: AbortSignal;
  /** True once nobody waits for the answer any more. */
  readonly answered: boolean;
  /** Whether it holds a seat and no connection, so that it can give the seat up for a time. */
  readonly mayStepOut: boolean;
  /** Resolves when every connection that was given back is idle again or destroyed. */
  settled(): Promise<void>;
  stepAside<T>(work: () => Promise<T>): Promise<T>;
}

/**
 * The repeated transactions of one request. Between two tries the request gives up not only its connection but its
 * seat, unless it still holds another connection: a request that waits for nothing but the clock must not keep others
 * from working, and comes back at the head of its class.
 */
export class TransactionRetry {
  readonly #request: RetryingRequest;
  readonly #pool: PoolRuntime;
  readonly #clock: Clock;
  readonly #random: () => number;
  #aside: Promise<void> | undefined;

  constructor(request: RetryingRequest, pool: PoolRuntime, clock: Clock, random: () => number) {
    this.#request = request;
    this.#pool = pool;
    this.#clock = clock;
    this.#random = random;
  }

  /** While the seat is given up: resolves, and never rejects, when it is back or never will be. */
  get aside(): Promise<void> | undefined {
    return this.#aside;
  }

  /** Runs `once` until it succeeds, fails of anything but contention, or may not be run again: then with its own error. */
  async run<T>(plan: RetryPlan, once: () => Promise<T>): Promise<T> {
    const { retries } = this.#pool;
    for (let tries = 1; ; tries++) {
      try {
        const result = await once();
        if (tries > 1) retries.count('recovered');
        return result;
      } catch (error) {
        if (!this.#metContention(error)) throw error;
        const waitMs = backoffAfter(tries, plan, this.#random());
        const outcome = this.#decide(tries, plan, waitMs);
        retries.count(outcome);
        if (outcome !== 'retried') throw error;
        await this.#wait(waitMs);
      }
    }
  }

  #decide(tries: number, plan: RetryPlan, waitMs: number): RetryOutcome {
    if (tries >= plan.attempts) return 'out_of_tries';
    if (this.#clock.nowMs() + waitMs >= this.#request.deadlineAtMs) return 'out_of_time';
    return this.#pool.retries.budget.take() ? 'retried' : 'out_of_budget';
  }

  /** An application may wrap what the server said. What Sluice itself says of it was decided elsewhere. */
  #metContention(error: unknown): boolean {
    if (this.#request.answered) return false;
    for (let seen = error, depth = 0; seen instanceof Error && depth < 5; seen = seen.cause, depth++) {
      if (isSluiceError(seen) || seen instanceof ImplicitCommitError) return false;
      if (this.#pool.pool.classify(seen) === 'contention') return true;
    }
    return false;
  }

  async #wait(ms: number): Promise<void> {
    const request = this.#request;
    await request.settled();
    const rest = (): Promise<void> => sleep(this.#clock, ms, request.signal, this.#pool.retries.ending);
    // Another transaction of the request may have given the seat up meanwhile.
    if (this.#aside === undefined && request.mayStepOut) {
      this.#aside = request.stepAside(rest).finally(() => {
        this.#aside = undefined;
      });
    } else {
      await rest();
    }
    while (this.#aside !== undefined) await this.#aside;
  }
}
