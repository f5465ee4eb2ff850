import type { Clock } from '../clock.js';
import type { GatewayConfig } from '../config/config.js';
import type { Connection } from '../pools/contract.js';
import type { Logger } from '../telemetry/log.js';
import { type BudgetReport, lookBehind, reportOf } from './budget-check.js';
import type { FleetBudget } from './fleet-budget.js';
import { KnownServers } from './known-servers.js';
import type { PoolRuntime } from './pool-runtime.js';
import { PoolerFollow } from './pooler-follow.js';
import { serverVerdicts } from './server-verdicts.js';

/** What a {@link ServerJudge} works with. */
export interface ServerJudgeOptions {
  readonly clock: Clock;
  readonly config: GatewayConfig;
  readonly logger: Logger;
  /** Hears what servers have; absent where the instance is alone. */
  readonly shared: FleetBudget | undefined;
  /** The pooler of these pools has another size now, and their server was judged by it. */
  readonly onResized: (pools: readonly string[]) => void;
}

/** Whether pools have the room that they ask for, at their servers and poolers, as far as those are known. */
export class ServerJudge {
  /** What the servers of the pools said of themselves. */
  readonly servers: KnownServers;
  /** Keeps pools to what their poolers have. */
  readonly poolers: PoolerFollow;
  readonly #options: ServerJudgeOptions;

  constructor(options: ServerJudgeOptions) {
    const { clock, config } = options;
    this.#options = options;
    this.servers = new KnownServers(config);
    const onSize = (pools: readonly string[], size: number): void => this.#poolerHas(pools, size);
    this.poolers = new PoolerFollow({ config, clock, warn: this.#warn, onSize });
  }

  /**
   * Looks at what a pool is connected to, and judges it. Of pools on one server, the one that is connected last is told
   * of what all of them want together.
   *
   * @throws PoolerModeError where a pooler cannot be used.
   */
  async look(
    { pool, config, name }: Pick<PoolRuntime, 'pool' | 'config' | 'name'>,
    connection: Connection,
  ): Promise<BudgetReport> {
    const { clock, config: all, shared } = this.#options;
    const pooler = await lookBehind({ pool, config, all, clock, warn: this.#warn }, connection, this.servers);
    if (pooler !== undefined) {
      shared?.found(config, undefined);
      this.poolers.found(config, pooler);
    }
    const server = this.#judge(name);
    return pooler === undefined || pooler.ok ? server : pooler;
  }

  /** Of the server of a pool, by what is known of it. */
  reportOf(pool: string): BudgetReport {
    const { config, shared } = this.#options;
    // Those who can ask each other divide what there is; nobody else sees to it that it is enough for all.
    const instances = shared === undefined ? config.instances : 1;
    return reportOf(serverVerdicts(pool, this.servers, config, instances));
  }

  /** What its pooler may open there counts at a server as soon as others go past it. */
  #poolerHas(pools: readonly string[], serverSize: number): void {
    const news = pools.map((pool) => this.servers.poolerResized(pool, serverSize));
    if (!news.includes(true)) return;
    const report = this.#judge(pools[0] ?? '');
    if (!report.ok) this.#options.logger.error({ code: 'over_budget' }, report.message);
    this.#options.onResized(pools);
  }

  /** Lets the fleet know as well what there is to divide. */
  #judge(pool: string): BudgetReport {
    const server = this.reportOf(pool);
    const { direct, address } = this.servers.with(pool);
    for (const other of direct) {
      if (other.limits === undefined) continue;
      this.#options.shared?.found(other.config, server.room, address, other.limits.identity);
    }
    return server;
  }

  readonly #warn = (code: string, message: string): void => this.#options.logger.warn({ code }, message);
}
