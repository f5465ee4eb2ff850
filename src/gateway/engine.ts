import { DeadlineTimer } from '../admission/deadline-timer.js';
import { EventLoopGuard } from '../admission/event-loop-guard.js';
import { LoopLag } from '../admission/loop-lag.js';
import type { Clock } from '../clock.js';
import type { GatewayConfig } from '../config/config.js';
import type { Fleet } from '../fleet/fleet.js';
import { RIGHTS_MISSING } from '../pools/connect-warnings.js';
import type { TotalRate } from '../rate-limit/total-rate.js';
import type { DecisionLog } from '../telemetry/decision-log/decision-log.js';
import type { Logger } from '../telemetry/log.js';
import { assemblePool, type Parts } from './assemble.js';
import { assembleDecisions, assembleEntries } from './assemble-entries.js';
import { assembleTotalRate } from './assemble-rate.js';
import type { FleetAgreement } from './fleet-agreement.js';
import type { FleetBudget } from './fleet-budget.js';
import type { Joined } from './join-fleet.js';
import { ModeSwitch } from './mode-switch.js';
import { OpenAnswers } from './open-answers.js';
import { OpenRuns } from './open-runs.js';
import type { PoolRuntime } from './pool-runtime.js';
import { tunePools } from './pool-tuning.js';
import type { Admitting, RouteEntry } from './route-entry.js';
import type { RouteRuntime } from './route-runtime.js';
import { doubtOthers } from './shared-server.js';
import { StartUp } from './start-up.js';
import type { KnownSurroundings } from './surroundings.js';

/** All that a gateway consists of, put together and at work. */
export interface Engine {
  readonly config: GatewayConfig;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  readonly timer: DeadlineTimer;
  readonly lag: LoopLag;
  readonly pools: ReadonlyMap<string, PoolRuntime>;
  readonly routes: readonly RouteRuntime[];
  /** The ways into the routes, by name. */
  readonly entries: ReadonlyMap<string, RouteEntry>;
  /** Its mode at present. */
  readonly modes: ModeSwitch;
  readonly admitting: Admitting;
  readonly answers: OpenAnswers;
  readonly runs: OpenRuns;
  readonly startUp: StartUp;
  /** The rate limit of all routes together, where there is one. */
  readonly total: TotalRate | undefined;
  /** Absent where no decisions are logged. */
  readonly decisions: DecisionLog | undefined;
  readonly agreement: FleetAgreement;
  /** Absent where the instance is alone. */
  readonly fleet: Fleet | undefined;
  /** Absent likewise. */
  readonly budget: FleetBudget | undefined;
}

/** Puts a gateway together; its pools begin to connect. */
export function assembleEngine(
  config: GatewayConfig,
  { clock, random, logger, wallMs }: KnownSurroundings,
  { agreement, fleet, budget }: Joined,
): Engine {
  const startUp = new StartUp(clock, config, logger, budget);
  const timer = new DeadlineTimer(clock);
  const lag = new LoopLag(clock, EventLoopGuard.mostPerTurnMs(config.maxEventLoopLagMs));
  const admitting: Admitting = { draining: false };
  const answers = new OpenAnswers();
  const runs = new OpenRuns();
  const decisions = assembleDecisions(config, clock);
  const pools = new Map<string, PoolRuntime>();
  const warn = (code: string, message: string, about: Readonly<Record<string, unknown>> = {}): void => {
    if (code === RIGHTS_MISSING) startUp.rightless ??= message;
    logger.warn({ code, ...about }, message);
  };
  let connections = 0;
  const total = assembleTotalRate(config, agreement, fleet);
  const parts: Parts = {
    config,
    clock,
    timer,
    random,
    wallMs,
    warn,
    pools,
    servers: startUp.judge.servers,
    poolers: startUp.judge.poolers,
    onPoolDown: (pool, leaving) => doubtOthers(pools, pool, leaving),
    onPoolUp: ({ name }) => {
      const runtime = pools.get(name);
      if (runtime !== undefined) void startUp.again(runtime);
    },
    nextConnectionId: () => ++connections,
    decisions,
    agreement,
    fleet,
    budget,
    total,
  };
  for (const pool of config.pools.values()) pools.set(pool.name, assemblePool(parts, pool));
  budget?.follow(pools);
  startUp.judge.poolers.follow(pools);
  if (config.mode === 'enforce') tunePools(clock, pools, warn);
  const entries = assembleEntries(parts, pools, { mode: config.mode, clock, timer, lag, warn }, admitting);
  const routes = Array.from(entries.values(), ({ runtime }) => runtime);
  if (config.mode === 'enforce') answers.endUnread(clock, config.writeTimeoutMs, warn);
  const standing = { config, clock, random, logger, timer, lag, admitting, answers, runs, startUp };
  const modes = new ModeSwitch(config.mode, entries);
  return { ...standing, pools, routes, entries, modes, total, decisions, agreement, fleet, budget };
}
