import type { DeadlineTimer } from '../admission/deadline-timer.js';
import { Gate, type GateClient } from '../admission/gate.js';
import { type BreakerState, PoolBreaker } from '../breaker/pool-breaker.js';
import type { Clock } from '../clock.js';
import type { GatewayConfig, PoolConfig, RouteConfig } from '../config/config.js';
import { PoolAdvisor } from '../core/advisor.js';
import { Bulkhead } from '../core/bulkhead.js';
import type { BulkheadOptions } from '../core/bulkhead-parts.js';
import { seatCount } from '../core/seat-count.js';
import { ServiceTimes } from '../core/service-times.js';
import { TimeWindow } from '../core/time-window.js';
import type { Fleet } from '../fleet/fleet.js';
import type { Lane } from '../fleet/lane.js';
import type { PoolListener } from '../pools/contract.js';
import { createPool } from '../pools/create-pool.js';
import type { TotalRate } from '../rate-limit/total-rate.js';
import type { DecisionLog } from '../telemetry/decision-log/decision-log.js';
import { ownSeatsName } from '../telemetry/decision-log/policy-settings.js';
import { PoolConnects } from '../telemetry/pool-connects.js';
import { assembleRate } from './assemble-rate.js';
import { ConnectionWaits } from './connection-waits.js';
import type { FleetAgreement } from './fleet-agreement.js';
import type { FleetBudget } from './fleet-budget.js';
import type { KnownServers } from './known-servers.js';
import { PoolRetries } from './pool-retries.js';
import type { PoolRuntime } from './pool-runtime.js';
import type { PoolerFollow } from './pooler-follow.js';
import { poolerMonitorOf } from './pooler-monitor.js';
import { newRoute, type RouteRuntime } from './route-runtime.js';
import { RouteWindow } from './route-window.js';
import { SeatBounds } from './seat-bounds.js';
import { takeLook } from './server-look.js';
import { ServerMonitor } from './server-monitor.js';
import { StandingHands } from './standing-hands.js';
import { statementReaderFor } from './statement-reader.js';
import { UndoneState } from './undone-state.js';

/** What the parts of a gateway are built with. */
export interface Parts {
  readonly config: GatewayConfig;
  readonly clock: Clock;
  readonly timer: DeadlineTimer;
  readonly random: () => number;
  /** The wall clock, in ms since 1970. */
  readonly wallMs: () => number;
  readonly warn: (code: string, message: string, about?: { readonly pool: string }) => void;
  /** This pool has lost its server; or that is `leaving`, and waits for all sessions to end. */
  readonly onPoolDown: (config: PoolConfig, leaving: boolean) => void;
  /** It has one (again). */
  readonly onPoolUp: (config: PoolConfig) => void;
  /** All pools, once they are built, and what is known of their servers. */
  readonly pools: ReadonlyMap<string, PoolRuntime>;
  readonly servers: KnownServers;
  /** What their poolers do meanwhile. */
  readonly poolers: PoolerFollow;
  /** Names the next connection, uniquely over all pools. */
  readonly nextConnectionId: () => number;
  /** What holds where instances of a fleet are configured differently. */
  readonly agreement: FleetAgreement;
  /** Absent where the instance is alone. */
  readonly fleet?: Fleet | undefined;
  /** Absent likewise. */
  readonly budget?: FleetBudget | undefined;
  /** Absent where all routes together have no rate limit. */
  readonly total?: TotalRate | undefined;
  /** Absent where no decisions are logged; else it makes the parts that decide. */
  readonly decisions?: DecisionLog | undefined;
}

/** Builds one pool with its gate and its breaker, and lets each know what the others must know. */
export function assemblePool(parts: Parts, config: PoolConfig): PoolRuntime {
  const { clock, timer, random, warn } = parts;
  const servesTopClass = [...parts.config.routes.values()].some(
    (route) => route.pool === config.name && route.priority === 'critical',
  );
  const seatsFor = (connections: number): number => seatCount(connections, config.operationsPerRequest);
  const seats = seatsFor(config.max);
  const bulkhead = assembleBulkhead(parts, config.name, {
    seats,
    headroom: config.headroom,
    servesTopClass,
    shares: { cap: config.capCritical, minima: [0, config.minHigh, config.minNormal, config.minLow] },
    rideOutMs: config.rideOutMs,
    discipline: {
      feasibility: config.feasibility,
      lifo: config.lifo,
      eviction: config.eviction,
      displacement: config.displacement,
    },
    maxQueued: config.maxQueued,
    maxTenants: config.maxTenants,
  });
  const gate = new Gate(bulkhead, clock, timer);
  const waits = new ConnectionWaits(bulkhead.outage, timer, (requests) => pool.giveUp(requests));
  const bounds = new SeatBounds(gate, seats);
  const connects = new PoolConnects(config);
  const listener: PoolListener = {
    onDown: (nowMs, _error, leaving) => {
      gate.down(nowMs);
      waits.down(nowMs);
      parts.onPoolDown(config, leaving);
    },
    onUp: (nowMs) => {
      waits.up();
      gate.up(nowMs);
      parts.onPoolUp(config);
    },
    onGranted: (nowMs, granted) => {
      // Seats without connections would only let requests wait out of order.
      if (parts.config.mode === 'enforce') bounds.set(nowMs, 'granted', seatsFor(granted));
    },
    onOpened: (tookMs) => connects.tell(tookMs),
    onWarning: (code, message) => {
      if (!parts.poolers.isNews(config, code)) return;
      warn(code, `pool "${config.name}": ${message}`, { pool: config.name });
    },
  };
  gate.down(clock.nowMs());
  const startMax = parts.budget?.startMax(config.name) ?? config.max;
  if (startMax < config.max) listener.onGranted(clock.nowMs(), startMax);
  const pool = createPool({
    ...config,
    startMax,
    // Who closes a connection may find its place taken.
    ...(config.admin ? { maxLifetimeMs: 0 } : {}),
    applicationName: parts.config.applicationName,
    nextConnectionId: parts.nextConnectionId,
    clock,
    random,
    listener,
  });
  const breaker = assembleBreaker(parts, config);
  const retries = new PoolRetries();
  const advisor = parts.config.mode === 'enforce' ? new PoolAdvisor(clock.nowMs(), seats) : undefined;
  const kinds = statementReaderFor(config.url);
  const pooler = poolerMonitorOf(config, clock);
  const server = new ServerMonitor(config.url, clock, () => takeLook(pool, parts.pools, parts.servers));
  const standing = new StandingHands(pool);
  const undone = new UndoneState(parts.warn);
  const later = { connects, standing, waits, undone, pooler, server, tuning: undefined, onLoanEnd: undefined };
  return { name: config.name, config, pool, gate, seats, bounds, kinds, retries, advisor, breaker, ...later };
}

function assembleBreaker(
  { clock, random, warn, config: { mode } }: Parts,
  config: PoolConfig,
): PoolBreaker | undefined {
  if (!config.breaker || mode === 'off') return undefined;
  let told: BreakerState = 'closed';
  const breaker = new PoolBreaker({
    name: config.name,
    errorPercent: config.breakerErrorPercent,
    slowPercent: config.breakerSlowPercent,
    minimumCalls: config.breakerMinimumCalls,
    windowMs: config.breakerWindowMs,
    resetMs: config.breakerResetMs,
    rampMs: config.breakerRampMs,
    shadow: mode === 'observe',
    random,
    clock,
    onChange: (state) => {
      // A probe that fails opens it again, of which the log knows already.
      if (state === 'half_open' || state === told) return;
      told = state;
      const why =
        breaker.openedBy === 'slow' ? ': too much of its work is cut off at its deadline' : ': too much fails';
      const text = `the circuit of pool "${config.name}" is ${state}${state === 'open' ? why : ''}`;
      warn(`breaker_${state}`, text, { pool: config.name });
    },
  });
  return breaker;
}

/** Builds one route on the pools that exist. */
export function assembleRoute(
  parts: Parts,
  config: RouteConfig,
  pools: ReadonlyMap<string, PoolRuntime>,
): RouteRuntime {
  const pool = config.pool === undefined ? undefined : pools.get(config.pool);
  const runtime = newRoute(config, {
    times: assembleTimes(parts, config),
    window: assembleWindow(parts, config),
    rate: assembleRate(parts, config),
    lane: assembleLane(parts, config),
    pool,
    gate: pool?.gate ?? assembleConcurrency(parts, config),
  });
  const ownSeats = config.concurrency === undefined ? undefined : ownSeatsName(config.name);
  parts.decisions?.addRoute({ route: runtime, rank: runtime.rank, gate: config.pool ?? ownSeats });
  return runtime;
}

/** Those that only observe hold no places: what they would have to wait for is enforced elsewhere. */
function assembleLane(
  { fleet, config: { mode } }: Parts,
  { name, fleetMaxConcurrent, deadlineMs }: RouteConfig,
): Lane | undefined {
  if (fleetMaxConcurrent === undefined || mode !== 'enforce') return undefined;
  return fleet?.lane(name, fleetMaxConcurrent, deadlineMs);
}

function assembleTimes({ decisions }: Parts, { name, expectedMs }: RouteConfig): ServiceTimes {
  const options = expectedMs === undefined ? {} : { expectedMs };
  return decisions?.times(name, options) ?? new ServiceTimes(options);
}

function assembleWindow({ wallMs }: Parts, { name, window, timeZone }: RouteConfig): RouteWindow | undefined {
  return window === undefined ? undefined : new RouteWindow(name, new TimeWindow(window, timeZone), wallMs);
}

function assembleBulkhead({ decisions }: Parts, name: string, options: BulkheadOptions): Bulkhead<GateClient> {
  return decisions?.bulkhead(name, options) ?? new Bulkhead(options);
}

function assembleConcurrency(parts: Parts, config: RouteConfig): Gate | undefined {
  if (config.concurrency === undefined) return undefined;
  const options = { seats: config.concurrency, servesTopClass: false };
  return new Gate(assembleBulkhead(parts, ownSeatsName(config.name), options), parts.clock, parts.timer);
}
