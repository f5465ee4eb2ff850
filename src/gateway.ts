import type { Clock } from './clock.js';
import type { GatewayConfig } from './config/config.js';
import type { GatewayOptions } from './config/options.js';
import { resolveConfig } from './config/resolve.js';
import { type Chunk, type ChunkedRun, type ChunkOptions, runInChunks } from './gateway/chunked-run.js';
import { describeGateway } from './gateway/describe.js';
import type { DrainOptions } from './gateway/drain.js';
import { Ending } from './gateway/ending.js';
import { assembleEngine, type Engine } from './gateway/engine.js';
import { joinFleet } from './gateway/join-fleet.js';
import { LiveChanges } from './gateway/live-changes.js';
import { checkLogins, unheededText } from './gateway/login-check.js';
import { named } from './gateway/named.js';
import type { OpenAnswers } from './gateway/open-answers.js';
import type { OpenRuns } from './gateway/open-runs.js';
import { ProcessHold } from './gateway/process-hold.js';
import { type Readiness, readinessOf } from './gateway/readiness.js';
import type { RequestHandle } from './gateway/request-handle.js';
import type { RequestWork } from './gateway/request-work.js';
import type { RouteEntry } from './gateway/route-entry.js';
import { type RunOptions, runInside, runWork } from './gateway/run-work.js';
import { RunningDiagnosis } from './gateway/running-diagnosis.js';
import { type GatewaySurroundings, knownSurroundings } from './gateway/surroundings.js';
import { withDiagnoses } from './gateway/with-diagnoses.js';
import type { LoginChange, RotateOptions } from './pools/login.js';
import type { Logger } from './telemetry/log.js';
import { type Snapshot, snapshot } from './telemetry/snapshot.js';
import type { TelemetrySource } from './telemetry/source.js';

/**
 * Pools, queues, buckets and breakers behind one set of routes. Made by {@link createGateway}; shared by everything in
 * the process that works on these pools.
 */
export class Gateway<RouteName extends string = string, PoolName extends string = string> {
  readonly config: GatewayConfig;
  readonly clock: Clock;
  /** @internal */
  readonly answers: OpenAnswers;
  /** @internal */
  readonly runs: OpenRuns;
  /** Uniform in [0, 1). @internal */
  readonly random: () => number;
  readonly #engine: Engine;
  readonly #ending: Ending;
  readonly #diagnosis = new RunningDiagnosis();
  readonly #hold: ProcessHold;
  #clientsTurnedAway = 0;
  #liveChanges: LiveChanges | undefined;

  /** Use {@link createGateway}, which checks the budget and waits for the first connections. @internal */
  constructor(engine: Engine, hold: ProcessHold) {
    const { config, clock, answers, runs, random } = engine;
    this.config = config;
    this.clock = clock;
    this.answers = answers;
    this.runs = runs;
    this.random = random;
    this.#engine = engine;
    this.#hold = hold;
    this.#ending = new Ending(engine);
  }

  /** True once {@link drain} has ended admission. */
  get draining(): boolean {
    return this.#engine.admitting.draining;
  }

  /**
   * Clients whose connections fit beside those of the pools into the file descriptors of this process; `undefined`
   * where the system does not tell. See `boundClients`.
   */
  get clientRoom(): number | undefined {
    return this.#engine.startUp.clientRoom;
  }

  /** A client was disconnected because there was no room for it. @internal */
  clientTurnedAway(): void {
    this.#clientsTurnedAway += 1;
  }

  /** The log that this gateway writes to. */
  get logger(): Logger {
    return this.#engine.logger;
  }

  /**
   * Runs work outside HTTP (a batch, a consumer, a migration) under the same rules as a request on the route.
   * The process stays alive until it is over.
   *
   * Inside a request use `req.sluice.run`: it refuses a route on the same seats, for which this would wait until the
   * deadline when all of them are taken by requests that do the same.
   *
   * @throws SluiceError - the refusal, or `deadline_expired`; and whatever `work` throws.
   */
  run<T>(route: RouteName, work: (handle: RequestHandle) => Promise<T>, options: RunOptions = {}): Promise<T> {
    const entry = this.entry(route);
    return this.#hold.during(() => runWork(this, entry, work, options));
  }

  /**
   * Runs long work in pieces, each admitted by itself, so that its seat is free between them. The process stays
   * alive until the last is over.
   *
   * @throws ChunkError when a chunk fails or the job cannot go on; RangeError for options out of range.
   */
  runInChunks<Cursor>(
    route: RouteName,
    chunk: Chunk<Cursor>,
    options: ChunkOptions<Cursor> = {},
  ): Promise<ChunkedRun<Cursor>> {
    return this.#hold.during(() => runInChunks(this, route, chunk, options));
  }

  /** Aborted when {@link drain} begins, before admission ends. @internal */
  get stopping(): AbortSignal {
    return this.#ending.begun;
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
    return named(this.#engine.entries, 'route', route);
  }

  /** Whether the process should get traffic: not before its pools were seen, not while draining, not over budget. */
  readiness(): Readiness {
    return readinessOf(this.#engine, this.#ending);
  }

  /**
   * Changes the login of a pool without a restart: after the new one was tried, connections are opened with it, and
   * those of before serve until each has a successor, one after the other, or within a bound where they are to be
   * expelled. Resolves when none of them is left, so that the login of before can be taken away; until then the server
   * has to accept both, and for the trial it gives the pool one connection more.
   * {@link Gateway.config} goes on showing what was read at the start.
   *
   * @throws RangeError for an unknown pool. LoginSettingError or RotationRefusedError when the new login cannot be used
   *   or does not work: nothing has changed then. PoolClosedError while draining. No error repeats a secret.
   */
  async rotate(pool: PoolName, change: LoginChange, options?: RotateOptions): Promise<void> {
    return named(this.#engine.pools, 'pool', pool).pool.rotate(change, options);
  }

  /**
   * Changes settings while the gateway works; see {@link LiveChanges}. {@link Gateway.config} goes on showing what was
   * read at the start.
   */
  get liveChanges(): LiveChanges {
    this.#liveChanges ??= new LiveChanges(this.#engine);
    return this.#liveChanges;
  }

  /**
   * Opens new connections for all that a pool has, where the name of its server leads elsewhere now or its servers have
   * changed places. Those that nobody uses end at once, the others when their work is done: nothing is cut, and
   * nobody is sent to the server of before any more, so requests may wait until they are connected. Without this a change of the name is found as connections reach their lifetime.
   *
   * @throws RangeError for an unknown pool.
   */
  recycle(pool: PoolName): void {
    named(this.#engine.pools, 'pool', pool).pool.recycle();
  }

  /** Everything that the gateway can tell about itself at this instant, as plain data. */
  snapshot(): Snapshot {
    const source = this.telemetry();
    const taken = snapshot(source);
    return withDiagnoses(taken, this.#diagnosis.of(this.clock.nowMs(), taken, source));
  }

  /**
   * What the policy was told and decided lately, as the bytes of a file for `sluice replay`; `undefined` unless
   * `decisionLogRecords` is set. It names routes and pools; callers and tenants are told apart by a hash whose secret
   * never leaves the process. Making it copies the log: some milliseconds for a million records.
   */
  decisionLog(): Uint8Array | undefined {
    return this.#engine.decisions?.document(this.config.mode);
  }

  /** Live figures, for metrics. @internal */
  telemetry(): TelemetrySource {
    return describeGateway(this.#engine, this.#ending, this.#clientsTurnedAway);
  }

  /**
   * Ends the gateway in order: readiness fails at once, admission goes on for `readinessDelayMs`, then nothing new is
   * admitted, work in flight ends or is cancelled at the bound, and the pools close. Calling it again returns the same
   * promise; a `timeoutMs` then only hurries the drain, 0 to cancel at once what is left. It rejects for
   * options that it cannot use, before anything has begun (TypeError, RangeError), and for nothing else.
   */
  drain(options: DrainOptions = {}): Promise<void> {
    return this.#ending.drain(options);
  }

  /** Waits for the first connections, a bounded time, and checks that the pools fit their servers. @internal */
  async start(): Promise<void> {
    const { startUp, pools, fleet } = this.#engine;
    const [refused] = await Promise.all([startUp.connect([...pools.values()]), fleet?.learnBuckets()]);
    if (refused === undefined) return;
    await this.drain({ timeoutMs: 0 });
    throw refused;
  }
}

/**
 * Makes a gateway: reads the configuration, opens the pools, waits a bounded time for their first connections and
 * checks that together they fit their servers. A database that is down does not fail the start: readiness does, until
 * it comes.
 *
 * @throws ConfigError with every mistake of the configuration and of the files that it names, before anything is opened.
 * @throws RedisPackageError when a Redis is configured and the package `ioredis` is not installed.
 * @throws TypeError when a field of the surroundings is unknown, or is not what it has to be: a `logger` without `warn`.
 * @throws MissingRightsError when the user of a pool may not connect to its database.
 * @throws OverBudgetError when the pools ask for more connections than their server has; the message shows the sum.
 */
// Without pools no name of one is right: a parameter that nothing is read from would else be any text.
export async function createGateway<RouteName extends string, PoolName extends string = never>(
  options: GatewayOptions<RouteName, PoolName>,
  surroundings: GatewaySurroundings = {},
): Promise<Gateway<RouteName, PoolName>> {
  const known = knownSurroundings(surroundings);
  const config = resolveConfig(options, known.env);
  const unheeded = unheededText(checkLogins(config));
  if (unheeded !== undefined) known.logger.warn({ code: 'database_url_unheeded' }, unheeded);
  const hold = new ProcessHold();
  return hold.during(async () => {
    const gateway = new Gateway<RouteName, PoolName>(
      assembleEngine(config, known, await joinFleet(config, known)),
      hold,
    );
    await gateway.start();
    return gateway;
  });
}
