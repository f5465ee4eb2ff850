import { EventEmitter } from 'node:events';
import CircuitBreaker from 'opossum';

/** How a circuit judges. */
export interface CircuitSettings {
  readonly name: string;
  /** Share of failed calls in the window, in percent (above 0, up to 100), at or above which the circuit opens. */
  readonly errorPercent: number;
  /** Calls that the window must hold before the circuit may open, at least 1. */
  readonly minimumCalls: number;
  /** Length of the rolling window, in milliseconds. */
  readonly windowMs: number;
}

/** The window moves on in steps of a tenth of its length. */
const BUCKETS = 10;

/** Percentages are compared with `>` by opossum; this little less turns it into "at or above", so that 100 can open. */
const PERCENT_SLACK = 1e-9;

/** The longest delay of a Node timer: opossum's own reset timer is armed on opening and must never be the one to act. */
const NEVER_MS = 2_147_483_647;

/** Thrown into opossum for each failure. One object for all of them, so that no stack is captured. */
const FAULT = new Error('reported failure');

const reportFailure = (): Promise<never> => {
  throw FAULT;
};

const swallow = (): void => {};

/** opossum reads `state`, which its published types leave out. */
interface ImportingOptions extends CircuitBreaker.Options<[]> {
  state?: { readonly closed: boolean; readonly halfOpen: boolean };
}

/**
 * One opossum circuit from its birth, closed or half-open, until it opens. No work runs inside it: finished calls are
 * reported to it. That leaves opossum its state machine and its rolling statistics and takes away what hurts: its
 * semaphore, its timeout, its filter and its shared abort controller.
 *
 * Time comes in as an argument; opossum's timers are replaced by rotation on demand. Successes are counted as plain
 * numbers and booked into opossum's window when it moves on or when a failure is weighed.
 */
export class Circuit {
  readonly #opossum: CircuitBreaker<[], never>;
  readonly #rotation = new EventEmitter();
  readonly #bucketMs: number;
  #bucketEndsAtMs: number;
  #unbookedSuccesses = 0;

  constructor(settings: CircuitSettings, nowMs: number, born: 'closed' | 'half_open') {
    this.#bucketMs = settings.windowMs / BUCKETS;
    this.#bucketEndsAtMs = nowMs + this.#bucketMs;
    const options: ImportingOptions = {
      name: settings.name,
      errorThresholdPercentage: settings.errorPercent - PERCENT_SLACK,
      volumeThreshold: settings.minimumCalls,
      rollingCountTimeout: settings.windowMs,
      rollingCountBuckets: BUCKETS,
      rotateBucketController: this.#rotation,
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
      timeout: false,
      resetTimeout: NEVER_MS,
    };
    if (born === 'half_open') options.state = { closed: false, halfOpen: true };
    this.#opossum = new CircuitBreaker(reportFailure, options);
  }

  get opened(): boolean {
    return this.#opossum.opened;
  }

  /** Counts a successful call. Half-open, it proves the pool well and closes the circuit. */
  succeed(nowMs: number): void {
    this.#rotateTo(nowMs);
    this.#unbookedSuccesses += 1;
    if (this.#opossum.halfOpen) this.#opossum.close();
  }

  /** Counts a failed call and lets opossum decide; {@link opened} tells the verdict at once. */
  fail(nowMs: number): void {
    this.#rotateTo(nowMs);
    this.#book();
    // The action throws synchronously, so opossum has decided before `fire` returns; its promise carries nothing new.
    this.#opossum.fire().catch(swallow);
  }

  /** Calls and failures in the window that ends at this instant. */
  statistics(nowMs: number): { calls: number; failures: number } {
    this.#rotateTo(nowMs);
    this.#book();
    const { fires, failures } = this.#opossum.stats;
    return { calls: fires, failures };
  }

  /** Ends opossum's timers and listeners. The circuit is of no use afterwards. */
  shutdown(): void {
    this.#opossum.shutdown();
  }

  #rotateTo(nowMs: number): void {
    if (nowMs < this.#bucketEndsAtMs) return;
    this.#book();
    const steps = Math.floor((nowMs - this.#bucketEndsAtMs) / this.#bucketMs) + 1;
    this.#bucketEndsAtMs += steps * this.#bucketMs;
    for (let step = Math.min(steps, BUCKETS); step > 0; step -= 1) this.#rotation.emit('rotate');
  }

  /** A promise and an array entry per success would buy nothing: the numbers go straight into the present bucket. */
  #book(): void {
    if (this.#unbookedSuccesses === 0) return;
    const bucket = this.#opossum.status.window[0];
    if (bucket !== undefined) {
      bucket.fires += this.#unbookedSuccesses;
      bucket.successes += this.#unbookedSuccesses;
    }
    this.#unbookedSuccesses = 0;
  }
}
