import { type DrainOptions, drainWork } from './drain.js';
import { DrainBound } from './drain-bound.js';
import { checkDrainOptions } from './drain-options.js';
import type { Engine } from './engine.js';

/** The end of a gateway: begun once, in an order of its own, and only ever hurried. */
export class Ending {
  readonly #engine: Engine;
  readonly #begun = new AbortController();
  readonly #bound: DrainBound;
  #drained: Promise<void> | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#bound = new DrainBound(engine.clock);
  }

  /** Aborted when the drain begins, before admission ends. */
  get begun(): AbortSignal {
    return this.#begun.signal;
  }

  /** Ends the gateway; a `timeoutMs` of a later call only hurries what the first has begun. Rejects for options alone. */
  drain(options: DrainOptions): Promise<void> {
    try {
      checkDrainOptions(options);
    } catch (error) {
      return Promise.reject(error);
    }
    if (this.#drained !== undefined && options.timeoutMs !== undefined) this.#bound.within(options.timeoutMs);
    this.#drained ??= this.#drain(options);
    return this.#drained;
  }

  async #drain({ server, timeoutMs }: DrainOptions): Promise<void> {
    const { config, clock, admitting, answers, runs, routes, pools, budget, fleet, timer, lag } = this.#engine;
    this.#begun.abort();
    const delayMs = timeoutMs === 0 ? 0 : config.readinessDelayMs;
    const drained = {
      clock,
      admitting,
      answers,
      runs,
      routes,
      pools: [...pools.values()],
      bound: this.#bound,
      admitUntilMs: clock.nowMs() + delayMs,
    };
    await drainWork(drained, server, timeoutMs ?? config.drainTimeoutMs);
    await budget?.leave();
    await fleet?.close();
    timer.stop();
    lag.stop();
    for (const { breaker } of pools.values()) breaker?.shutdown();
  }
}
