import { setTimeout as delay } from 'node:timers/promises';
import {
  createGateway,
  type Gateway,
  isSluiceError,
  type PoolOptions,
  type RequestHandle,
} from '../../../src/index.js';
import type { PoolSnapshot } from '../../../src/telemetry/snapshot.js';

/** What one pool is asked to do by callers that come again as soon as they are answered. */
export interface ClosedLoopPlan {
  readonly url: string;
  readonly pool: PoolOptions<'main'>;
  readonly callers: number;
  readonly work: (handle: RequestHandle) => Promise<unknown>;
  readonly signal: AbortSignal;
}

/** What one turn came to. */
export interface TurnFigures {
  readonly perSecond: number;
  /** The concurrency limit, every 100 ms. */
  readonly limits: readonly number[];
}

const LOOK_MS = 100;
/** A caller that was refused comes again after this. */
const PAUSE_MS = 5;

/**
 * One pool of a gateway within this process, driven in turns: so that several can be compared in short alternation, for
 * what else runs on the machine changes within seconds.
 */
export class ClosedLoop {
  readonly #plan: ClosedLoopPlan;
  readonly #gateway: Gateway;

  private constructor(plan: ClosedLoopPlan, gateway: Gateway) {
    this.#plan = plan;
    this.#gateway = gateway;
  }

  static async open(plan: ClosedLoopPlan): Promise<ClosedLoop> {
    const options = {
      applicationName: 'bench-loop',
      maxEventLoopLagMs: 0,
      readinessDelayMs: 0,
      pools: { main: { ...plan.pool, url: plan.url } },
      routes: { work: { pool: 'main', deadlineMs: 60_000 } },
    } as const;
    return new ClosedLoop(plan, await createGateway(options, { env: {} }));
  }

  /** All callers work: `settleMs` unmeasured, then `measureMs`. */
  async turn(settleMs: number, measureMs: number): Promise<TurnFigures> {
    const stop = new AbortController();
    const done = { count: 0 };
    const callers = Array.from({ length: this.#plan.callers }, () => this.#call(stop.signal, done));
    const pause = (ms: number): Promise<void> => delay(ms, undefined, { signal: this.#plan.signal });
    try {
      await pause(settleMs);
      const before = done.count;
      const beganAtMs = performance.now();
      const limits: number[] = [];
      while (performance.now() - beganAtMs < measureMs) {
        await pause(LOOK_MS);
        limits.push(this.#pool.seats.limit);
      }
      return { perSecond: ((done.count - before) * 1_000) / (performance.now() - beganAtMs), limits };
    } finally {
      stop.abort();
      await Promise.all(callers);
    }
  }

  close(): Promise<void> {
    return this.#gateway.drain({ timeoutMs: 1_000 });
  }

  get #pool(): PoolSnapshot {
    const [pool] = this.#gateway.snapshot().pools;
    if (pool === undefined) throw new Error('the gateway has no pool');
    return pool;
  }

  async #call(stop: AbortSignal, done: { count: number }): Promise<void> {
    while (!stop.aborted) {
      try {
        await this.#gateway.run('work', this.#plan.work);
        done.count += 1;
      } catch (error) {
        if (!isSluiceError(error)) throw error;
        await delay(PAUSE_MS);
      }
    }
  }
}
