import type { Clock } from '../clock.js';
import type { GatewayConfig } from '../config/config.js';
import type { Logger } from '../telemetry/log.js';
import { type BudgetReport, checkServerBudget, OverBudgetError } from './budget-check.js';
import { pause } from './drain.js';
import { MissingRightsError } from './login-check.js';
import type { PoolRuntime } from './pool-runtime.js';

/** How long the start waits for the first connection of each pool before it goes on without. */
const START_WAIT_MS = 2_000;

/** The first connections of a gateway: what they say about its server decides whether it may start. */
export class StartUp {
  readonly #clock: Clock;
  readonly #config: GatewayConfig;
  readonly #logger: Logger;
  #budget: BudgetReport | undefined;
  /** Why the user of a pool may not connect, once that is known. */
  rightless: string | undefined;

  constructor(clock: Clock, config: GatewayConfig, logger: Logger) {
    this.#clock = clock;
    this.#config = config;
    this.#logger = logger;
  }

  /** The sum that does not fit its server; `undefined` while all do, or nothing is known yet. */
  get overBudget(): string | undefined {
    return this.#budget?.ok === false ? this.#budget.message : undefined;
  }

  /** Waits for them, a bounded time. Resolves to what forbids the start; checks that come later only log. */
  async connect(pools: readonly PoolRuntime[]): Promise<Error | undefined> {
    const untilMs = this.#clock.nowMs() + START_WAIT_MS;
    await Promise.all(pools.map((pool) => this.#first(pool, untilMs)));
    if (this.rightless !== undefined) return new MissingRightsError(this.rightless);
    return this.overBudget === undefined ? undefined : new OverBudgetError(this.overBudget);
  }

  async #first({ pool, name }: PoolRuntime, untilMs: number): Promise<void> {
    const check = pool.acquire({ deadlineAtMs: Number.POSITIVE_INFINITY, rank: 0 }).then(async (connection) => {
      try {
        const report = await checkServerBudget(connection, name, this.#config);
        // Read only now: meanwhile a pool on another server may have found that it does not fit.
        this.#budget = worse(this.#budget, report);
      } catch (error) {
        this.#logger.warn({ code: 'budget_unknown' }, `pool "${name}": its connection budget could not be checked`);
        this.#logger.debug({ error }, 'budget check');
      } finally {
        await connection.release();
      }
      if (this.overBudget !== undefined) this.#logger.error({ code: 'over_budget' }, this.overBudget);
    });
    // A pool that closes before it was ever up rejects; there is nothing to check then.
    const settled = check.catch(() => {});
    await Promise.race([settled, pause(this.#clock, Math.max(0, untilMs - this.#clock.nowMs()))]);
  }
}

function worse(one: BudgetReport | undefined, other: BudgetReport): BudgetReport {
  return one?.ok === false ? one : other;
}
