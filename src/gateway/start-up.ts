import type { Clock } from '../clock.js';
import type { GatewayConfig } from '../config/config.js';
import { splitDescriptors } from '../core/descriptors.js';
import type { OpeningStage } from '../pools/session.js';
import type { Logger } from '../telemetry/log.js';
import { type BudgetReport, OverBudgetError } from './budget-check.js';
import { readDescriptorLimit } from './descriptor-check.js';
import type { FleetBudget } from './fleet-budget.js';
import { MissingRightsError } from './login-check.js';
import type { PoolRuntime } from './pool-runtime.js';
import { PoolerModeError } from './pooler-mode.js';
import { ServerJudge } from './server-judge.js';
import { serverOf } from './server-names.js';
import { sleep } from './sleep.js';

/** How long the start waits for the first connection of each pool before it goes on without. */
const START_WAIT_MS = 2_000;
/** For a connection to look again with. */
const AGAIN_MS = 5_000;

/** The start of a gateway: what its process and its servers have room for, which decides whether it may start. */
export class StartUp {
  readonly #clock: Clock;
  readonly #config: GatewayConfig;
  readonly #logger: Logger;
  readonly #shared: FleetBudget | undefined;
  readonly judge: ServerJudge;
  /** By pool, in the order in which they came. */
  readonly #reports = new Map<string, BudgetReport>();
  /** Pools that were looked at; another look is under way at those with `true`. */
  readonly #seen = new Map<string, boolean>();
  #pools: readonly PoolRuntime[] = [];
  #unfit: PoolerModeError | undefined;
  #toldSum: string | undefined;
  #clientRoom: number | undefined;
  /** Why the user of a pool may not connect, once that is known. */
  rightless: string | undefined;

  /** @param shared - Hears what servers have; absent where the instance is alone. */
  constructor(clock: Clock, config: GatewayConfig, logger: Logger, shared: FleetBudget | undefined) {
    this.#clock = clock;
    this.#config = config;
    this.#logger = logger;
    this.#shared = shared;
    const onResized = (names: readonly string[]): void => this.#poolerResized(names);
    this.judge = new ServerJudge({ clock, config, logger, shared, onResized });
  }

  /** Clients whose connections fit beside those of the pools into the file descriptors; `undefined` where unknown. */
  get clientRoom(): number | undefined {
    return this.#clientRoom;
  }

  /** The sum that does not fit its server; `undefined` while all do, or nothing is known yet. */
  get overBudget(): string | undefined {
    return [...this.#reports.values()].find(({ ok }) => !ok)?.message;
  }

  /** Waits for them, a bounded time. Resolves to what forbids the start; checks that come later only log. */
  async connect(pools: readonly PoolRuntime[]): Promise<Error | undefined> {
    this.#pools = pools;
    this.#checkDescriptors();
    const untilMs = this.#clock.nowMs() + START_WAIT_MS;
    await Promise.all(pools.map((pool) => this.#first(pool, untilMs)));
    await this.#shared?.settle();
    if (this.rightless !== undefined) return new MissingRightsError(this.rightless);
    if (this.#unfit !== undefined) return this.#unfit;
    return this.overBudget === undefined ? undefined : new OverBudgetError(this.overBudget);
  }

  /**
   * A pool has its server back, which may be another one, or have other limits. Whoever serves goes on, and it is only told
   * that it wants too much; what forbade it is taken back, and a fleet hears what there is to divide. Never rejects.
   */
  async again({ pool, config, name }: PoolRuntime): Promise<void> {
    this.judge.poolers.look(config);
    const serves = this.overBudget === undefined;
    // What there is to say of a pooler was said at the start, and its console tells the rest.
    if (this.#seen.get(name) !== false || (serves && this.#shared === undefined && pool.shared)) return;
    this.#seen.set(name, true);
    try {
      const connection = await pool.acquire({ deadlineAtMs: this.#clock.nowMs() + AGAIN_MS, rank: 0 });
      try {
        const report = await this.judge.look({ pool, config, name }, connection);
        if (!report.ok) this.#logger.error({ code: 'over_budget' }, report.message);
        if (!serves) this.#judgeAgain(name, report);
      } finally {
        await connection.release();
      }
    } catch (error) {
      this.#logger.debug({ error }, 'budget check after an outage');
    } finally {
      this.#seen.set(name, false);
    }
  }

  /** Whoever was too large for it may fit now. */
  #poolerResized(names: readonly string[]): void {
    if (this.overBudget === undefined) return;
    for (const runtime of this.#pools) if (names.includes(runtime.name)) void this.again(runtime);
  }

  /** The others on its server were judged by what that had before. */
  #judgeAgain(pool: string, report: BudgetReport): void {
    for (const { config } of this.judge.servers.with(pool).direct) {
      if (this.#reports.has(config.name)) this.#reports.set(config.name, this.judge.reportOf(config.name));
    }
    this.#reports.set(pool, report);
  }

  #checkDescriptors(): void {
    const limit = readDescriptorLimit();
    if (limit === undefined) return;
    const sessions = [...this.#config.pools.values()].reduce((sum, { max }) => sum + max, 0);
    const { ok, clients, detail } = splitDescriptors(limit, sessions);
    this.#clientRoom = clients;
    if (!ok) this.#logger.warn({ code: 'descriptors_scarce' }, detail);
  }

  async #first(runtime: PoolRuntime, untilMs: number): Promise<void> {
    const { pool, name } = runtime;
    const check = pool.acquire({ deadlineAtMs: Number.POSITIVE_INFINITY, rank: 0 }).then(async (connection) => {
      try {
        const report = await this.judge.look(runtime, connection);
        this.#reports.set(name, report);
      } catch (error) {
        if (error instanceof PoolerModeError) this.#refuse(error);
        else
          this.#logger.warn({ code: 'budget_unknown' }, `pool "${name}": its connection budget could not be checked`);
        this.#logger.debug({ error }, 'budget check');
        this.#shared?.found(runtime.config, undefined);
      } finally {
        this.#seen.set(name, false);
        await connection.release();
      }
      this.#tellSum(this.overBudget);
    });
    // A pool that closes before it was ever up rejects; there is nothing to check then.
    const settled = check.then(
      () => true,
      () => true,
    );
    // A timer that is left behind would keep a short job alive after its drain.
    const over = new AbortController();
    const late = sleep(this.#clock, Math.max(0, untilMs - this.#clock.nowMs()), over.signal).then(() => false);
    if (!(await Promise.race([settled, late]))) this.#tellWait(runtime);
    over.abort();
  }

  /** Each pool of a server has the same sum. */
  #tellSum(sum: string | undefined): void {
    if (sum === undefined || sum === this.#toldSum) return;
    this.#toldSum = sum;
    this.#logger.error({ code: 'over_budget' }, sum);
  }

  /** What hangs fails only later, and would leave nobody a word at the start. */
  #tellWait({ pool, name, config }: PoolRuntime): void {
    const { connectStage } = pool;
    if (connectStage === undefined || pool.gauges().connectFailures > 0) return;
    const told = `pool "${name}" has no connection ${START_WAIT_MS} ms after the start: it waits for `;
    this.#logger.warn({ code: 'pool_waits' }, told + waitText(connectStage, serverOf(config.url)));
  }

  #refuse(error: PoolerModeError): void {
    this.#unfit ??= error;
    this.#logger.warn({ code: 'pooler_statement_mode' }, error.message);
  }
}

function waitText(stage: OpeningStage, server: string): string {
  switch (stage) {
    case 'password':
      return 'its password function, which gives no answer; mend what that asks';
    case 'network':
      return `"${server}" to take the connection; see whether the address is right, and no firewall swallows what is sent`;
    case 'server':
      return `a word of "${server}", which has taken the connection; see whether that is a server of the scheme of the url`;
  }
}
