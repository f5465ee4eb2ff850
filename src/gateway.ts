import { DeadlineTimer } from './admission/deadline-timer.js';
import { LoopLag } from './admission/loop-lag.js';
import { type Clock, systemClock } from './clock.js';
import type { GatewayConfig } from './config/config.js';
import type { GatewayOptions } from './config/options.js';
import { resolveConfig } from './config/resolve.js';
import type { Fleet } from './fleet/fleet.js';
import type { RedisClient } from './fleet/redis-link.js';
import type { Registry } from './fleet/registry.js';
import { assemblePool, type Parts } from './gateway/assemble.js';
import { assembleDecisions, assembleEntries } from './gateway/assemble-entries.js';
import { assembleTotalRate } from './gateway/assemble-rate.js';
import { type Chunk, type ChunkedRun, type ChunkOptions, runInChunks } from './gateway/chunked-run.js';
import { describePool, describeRoute } from './gateway/describe.js';
import { type DrainOptions, drainWork } from './gateway/drain.js';
import { DrainBound } from './gateway/drain-bound.js';
import type { FleetBudget } from './gateway/fleet-budget.js';
import { type Joined, joinFleet } from './gateway/join-fleet.js';
import { LiveChanges } from './gateway/live-changes.js';
import { checkLogins } from './gateway/login-check.js';
import { OpenAnswers } from './gateway/open-answers.js';
import type { PoolRuntime } from './gateway/pool-runtime.js';
import { tunePools } from './gateway/pool-tuning.js';
import type { RequestHandle } from './gateway/request-handle.js';
import type { RequestWork } from './gateway/request-work.js';
import type { RouteEntry } from './gateway/route-entry.js';
import type { RouteRuntime } from './gateway/route-runtime.js';
import { type RunOptions, runInside, runWork } from './gateway/run-work.js';
import { doubtOthers } from './gateway/shared-server.js';
import { StartUp } from './gateway/start-up.js';
import type { WorkContext } from './gateway/work-contract.js';
import { RIGHTS_MISSING } from './pools/connect-warnings.js';
import type { LoginChange, RotateOptions } from './pools/login.js';
import type { DecisionLog } from './telemetry/decision-log/decision-log.js';
import { consoleLogger, type Logger, shielded } from './telemetry/log.js';
import { type Snapshot, snapshot } from './telemetry/snapshot.js';
import type { TelemetrySource } from './telemetry/source.js';

/** What surrounds a gateway. Every field has a default; tests replace them. */
export interface GatewaySurroundings {
  /** Variables that tune the configuration. Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: warnings to the console, each code once in a while. */
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** The wall clock, in ms since 1970, for routes with a `window`. Default `Date.now`. */
  readonly wallMs?: () => number;
  /** Uniform in [0, 1). Default `Math.random`. */
  readonly random?: () => number;
  /**
   * A client of `ioredis` (a `Redis` or a `Cluster`) for what the fleet shares, in place of one for `redisUrl`. It stays
   * open when the gateway ends.
   */
  readonly redis?: RedisClient;
  /**
   * Where instances find each other, to divide the connections of their servers. Default: Redis, where there is one;
   * workers of a cluster can ask their primary instead.
   */
  readonly registry?: Registry;
}

/** Whether the process should get traffic, and if not, why. */
export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly string[];
}

/**
 * Pools, queues, buckets and breakers behind one set of routes. Made by {@link createGateway}; shared by everything in
 * the process that works on these pools.
 */
export class Gateway<RouteName extends string = string> {
  readonly config: GatewayConfig;
  readonly clock: Clock;
  readonly #timer: DeadlineTimer;
  readonly #lag: LoopLag;
  readonly #pools = new Map<string, PoolRuntime>();
  readonly #routes: ReadonlyMap<string, RouteEntry>;
  readonly #admitting = { draining: false };
  readonly #decisions: DecisionLog | undefined;
  /** @internal */
  readonly answers: OpenAnswers = new OpenAnswers();
  /** Uniform in [0, 1). @internal */
  readonly random: () => number;
  readonly #logger: Logger;
  #notReady: string | undefined;
  readonly #startUp: StartUp;
  readonly #fleet: Fleet | undefined;
  readonly #budget: FleetBudget | undefined;
  readonly #stopping = new AbortController();
  readonly #drainBound: DrainBound;
  #clientsTurnedAway = 0;
  #drained: Promise<void> | undefined;
  #liveChanges: LiveChanges | undefined;

  /** Use {@link createGateway}, which checks the budget and waits for the first connections. */
  constructor(config: GatewayConfig, surroundings: GatewaySurroundings, { fleet, budget }: Joined = {}) {
    this.config = config;
    this.clock = surroundings.clock ?? systemClock;
    this.#logger = surroundings.logger ?? consoleLogger();
    this.#startUp = new StartUp(this.clock, config, this.#logger, budget);
    this.#fleet = fleet;
    this.#budget = budget;
    this.#timer = new DeadlineTimer(this.clock);
    this.#drainBound = new DrainBound(this.clock);
    this.#lag = new LoopLag(this.clock);
    const warn = (code: string, message: string): void => {
      if (code === RIGHTS_MISSING) this.#startUp.rightless ??= message;
      this.#logger.warn({ code }, message);
    };
    const random = surroundings.random ?? Math.random;
    this.random = random;
    let connections = 0;
    const nextConnectionId = (): number => ++connections;
    this.#decisions = assembleDecisions(config, this.clock);
    const parts: Parts = {
      config,
      clock: this.clock,
      timer: this.#timer,
      random,
      wallMs: surroundings.wallMs ?? Date.now,
      warn,
      onPoolDown: (pool, leaving) => doubtOthers(this.#pools, pool, leaving),
      nextConnectionId,
      decisions: this.#decisions,
      fleet,
      budget,
      total: assembleTotalRate(config, fleet),
    };
    for (const pool of config.pools.values()) this.#pools.set(pool.name, assemblePool(parts, pool));
    budget?.follow(this.#pools);
    if (config.mode === 'enforce') tunePools(this.clock, this.#pools);
    const context: WorkContext = { mode: config.mode, clock: this.clock, timer: this.#timer, lag: this.#lag, warn };
    this.#routes = assembleEntries(parts, this.#pools, context, this.#admitting);
    if (config.mode === 'enforce') this.answers.endUnread(this.clock, config.writeTimeoutMs, warn);
  }

  /** True once {@link drain} has ended admission. */
  get draining(): boolean {
    return this.#admitting.draining;
  }

  /**
   * Clients whose connections fit beside those of the pools into the file descriptors of this process; `undefined`
   * where the system does not tell. See `boundClients`.
   */
  get clientRoom(): number | undefined {
    return this.#startUp.clientRoom;
  }

  /** A client was disconnected because there was no room for it. @internal */
  clientTurnedAway(): void {
    this.#clientsTurnedAway += 1;
  }

  /** The log that this gateway writes to. */
  get logger(): Logger {
    return this.#logger;
  }

  /**
   * Runs work outside HTTP (a batch, a consumer, a migration) under the same rules as a request on the route.
   * Inside a request use `req.sluice.run`: it refuses a route on the same seats, for which this would wait until the
   * deadline when all of them are taken by requests that do the same.
   *
   * @throws SluiceError - the refusal, or `deadline_expired`; and whatever `work` throws.
   */
  run<T>(route: RouteName, work: (handle: RequestHandle) => Promise<T>, options: RunOptions = {}): Promise<T> {
    return runWork(this, this.entry(route), work, options);
  }

  /**
   * Runs long work in pieces, each admitted by itself, so that its seat is free between them.
   *
   * @throws ChunkError when a chunk fails or the job cannot go on; RangeError for options out of range.
   */
  runInChunks<Cursor>(
    route: RouteName,
    chunk: Chunk<Cursor>,
    options: ChunkOptions<Cursor> = {},
  ): Promise<ChunkedRun<Cursor>> {
    return runInChunks(this, route, chunk, options);
  }

  /** Aborted when {@link drain} begins, before admission ends. @internal */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** @internal */
  runInside<T>(parent: RequestWork, route: string, work: (handle: RequestHandle) => Promise<T>): Promise<T> {
    return runInside(this, parent, route, work);
  }

  /**
   * The way into a route, for adapters to a web framework.
   *
   * @internal
   * @throws RangeError when the configuration has no such route.
   */
  entry(route: string): RouteEntry {
    const entry = this.#routes.get(route);
    if (entry !== undefined) return entry;
    const known = [...this.#routes.keys()].map((name) => `"${name}"`).join(', ');
    throw new RangeError(`no route "${route}" is configured; the routes are ${known}`);
  }

  /** Whether the process should get traffic: not before its pools were seen, not while draining, not over budget. */
  readiness(): Readiness {
    const reasons: string[] = [];
    if (this.#notReady !== undefined) reasons.push(this.#notReady);
    if (this.#startUp.overBudget !== undefined) reasons.push(this.#startUp.overBudget);
    if (this.#budget?.reason !== undefined) reasons.push(this.#budget.reason);
    const down = [...this.#pools.values()].filter(({ pool }) => pool.state !== 'up').map(({ name }) => `"${name}"`);
    if (down.length > 0 && down.length === this.#pools.size)
      reasons.push(`no pool can reach its database: ${down.join(', ')}`);
    return { ready: reasons.length === 0, reasons };
  }

  /**
   * Changes the login of a pool without a restart: after the new one was tried, connections are opened with it, and
   * those of before end when their work is done, or within a bound where they are to be expelled. Resolves when none of
   * them is left, so that the login of before can be taken away; until then the server has to accept both.
   * {@link Gateway.config} goes on showing what was read at the start.
   *
   * @throws RangeError for an unknown pool. LoginSettingError or RotationRefusedError when the new login cannot be used
   *   or does not work: nothing has changed then. PoolClosedError while draining. No error repeats a secret.
   */
  async rotate(pool: string, change: LoginChange, options?: RotateOptions): Promise<void> {
    return this.#poolOf(pool).pool.rotate(change, options);
  }

  /**
   * Changes settings while the gateway works; see {@link LiveChanges}. {@link Gateway.config} goes on showing what was
   * read at the start.
   */
  get liveChanges(): LiveChanges {
    const { config, clock } = this;
    const parts = { config, clock, logger: this.#logger, pools: this.#pools, routes: this.#runtimes() };
    this.#liveChanges ??= new LiveChanges(parts);
    return this.#liveChanges;
  }

  /**
   * Opens new connections for all that a pool has, where the name of its server leads elsewhere now or its servers have
   * changed places. Those that nobody uses end at once, the others when their work is done: nothing is cut, and
   * nothing waits. Without this a change of the name is found as connections reach their lifetime.
   *
   * @throws RangeError for an unknown pool.
   */
  recycle(pool: string): void {
    this.#poolOf(pool).pool.recycle();
  }

  /** Everything that the gateway can tell about itself at this instant, as plain data. */
  snapshot(): Snapshot {
    return snapshot(this.telemetry());
  }

  /**
   * What the policy was told and decided lately, as the bytes of a file for `sluice replay`; `undefined` unless
   * `decisionLogRecords` is set. It names routes and pools; callers and tenants are told apart by a hash whose secret
   * never leaves the process. Making it copies the log: some milliseconds for a million records.
   */
  decisionLog(): Uint8Array | undefined {
    return this.#decisions?.document(this.config.mode);
  }

  /** Live figures, for metrics. @internal */
  telemetry(): TelemetrySource {
    return {
      mode: this.config.mode,
      draining: this.draining,
      eventLoopLagMs: this.#lag.averageMs(this.clock.nowMs()),
      clientsTurnedAway: this.#clientsTurnedAway,
      answersNotRead: this.answers.cutOff,
      fleet: this.#fleet?.status,
      routes: () => this.#runtimes().map((route) => describeRoute(route)),
      pools: () => [...this.#pools.values()].map((pool) => describePool(pool, this.clock.nowMs())),
    };
  }

  /**
   * Ends the gateway in order: readiness fails at once, admission goes on for `readinessDelayMs`, then nothing new is
   * admitted, work in flight ends or is cancelled at the bound, and the pools close. Calling it again returns the same
   * promise; a `timeoutMs` then only hurries the drain, 0 to cancel at once what is left. It never rejects.
   */
  drain(options: DrainOptions = {}): Promise<void> {
    if (this.#drained !== undefined && options.timeoutMs !== undefined) this.#drainBound.within(options.timeoutMs);
    this.#drained ??= this.#drain(options);
    return this.#drained;
  }

  /** Waits for the first connections, a bounded time, and checks that the pools fit their servers. @internal */
  async start(): Promise<void> {
    const refused = await this.#startUp.connect([...this.#pools.values()]);
    if (refused === undefined) return;
    await this.drain({ timeoutMs: 0 });
    throw refused;
  }

  async #drain(options: DrainOptions): Promise<void> {
    this.#notReady = 'draining';
    this.#stopping.abort();
    const delayMs = options.timeoutMs === 0 ? 0 : this.config.readinessDelayMs;
    const drained = {
      clock: this.clock,
      admitting: this.#admitting,
      answers: this.answers,
      routes: this.#runtimes(),
      pools: [...this.#pools.values()],
      bound: this.#drainBound,
      admitUntilMs: this.clock.nowMs() + delayMs,
    };
    await drainWork(drained, options.server, options.timeoutMs ?? this.config.drainTimeoutMs);
    await this.#budget?.leave();
    await this.#fleet?.close();
    this.#timer.stop();
    this.#lag.stop();
    for (const { breaker } of this.#pools.values()) breaker?.shutdown();
  }

  #poolOf(name: string): PoolRuntime {
    const runtime = this.#pools.get(name);
    if (runtime !== undefined) return runtime;
    const known = [...this.#pools.keys()].map((each) => `"${each}"`).join(', ');
    throw new RangeError(`no pool "${name}" is configured; the pools are ${known || 'none'}`);
  }

  #runtimes(): RouteRuntime[] {
    return [...this.#routes.values()].map(({ runtime }) => runtime);
  }
}

/**
 * Makes a gateway: reads the configuration, opens the pools, waits a bounded time for their first connections and
 * checks that together they fit their servers. A database that is down does not fail the start: readiness does, until
 * it comes.
 *
 * @throws ConfigError with every mistake of the configuration and of the files that it names, before anything is opened.
 * @throws RedisPackageError when a Redis is configured and the package `ioredis` is not installed.
 * @throws MissingRightsError when the user of a pool may not connect to its database.
 * @throws OverBudgetError when the pools ask for more connections than their server has; the message shows the sum.
 */
export async function createGateway<RouteName extends string, PoolName extends string>(
  options: GatewayOptions<RouteName, PoolName>,
  surroundings: GatewaySurroundings = {},
): Promise<Gateway<RouteName>> {
  const config = resolveConfig(options, surroundings.env ?? process.env);
  checkLogins(config);
  const known = { ...surroundings, logger: shielded(surroundings.logger ?? consoleLogger()) };
  const gateway = new Gateway<RouteName>(config, known, await joinFleet(config, known));
  await gateway.start();
  return gateway;
}
