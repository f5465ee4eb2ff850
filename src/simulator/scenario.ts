import type { PriorityClass } from '../core/priority.js';
import type { Distribution } from './distribution.js';
import type { RatePhase } from './rate-plan.js';

/** The version of the scenario format that this code reads: the value of `sluiceScenario`. */
export const SCENARIO_VERSION = 1;

/** A load on a gateway, and what befalls it: everything that a simulation needs besides the settings of the gateway. */
export interface Scenario {
  readonly sluiceScenario: typeof SCENARIO_VERSION;
  readonly name: string;
  /** What is modelled, and what is not. */
  readonly description: string;
  /** How long requests are counted, warm-up included. */
  readonly durationMs: number;
  /** Requests that arrive before are simulated and not counted. Default 0. */
  readonly warmUpMs: number;
  /** One run for each; the report adds them up. Default `[1]`. */
  readonly seeds: readonly number[];
  /** Whether work is cancelled at its deadline, as the product does; else it runs to its end. Default true. */
  readonly cancelAtDeadline: boolean;
  /** Options of a gateway, in the form that `createGateway` takes; used where no configuration file is named. */
  readonly gateway?: Readonly<Record<string, unknown>> | undefined;
  readonly streams: readonly Stream[];
  readonly events: readonly ScenarioEvent[];
  /** Times that are reported for themselves, by arrival, beside the whole. */
  readonly windows: readonly ReportWindow[];
  /** What to measure a reclaim by. */
  readonly reclaim?: Reclaim | undefined;
}

/** Requests of one kind to one route. */
export interface Stream {
  /** The name of a route of the gateway. */
  readonly route: string;
  /** Names the stream's random numbers. Default: the route, and the place of the stream in the file. */
  readonly name?: string | undefined;
  readonly arrivals: 'poisson' | 'even';
  readonly rate: readonly RatePhase[];
  /** How long a request holds its seat. Default: exponential around the route's `expectedMs`, or 50 ms. */
  readonly service?: Distribution | undefined;
  /** Part of the service that only one request at a time can be in: a hot row. It comes after the rest. */
  readonly lock?: Lock | undefined;
  /** Time left that clients name. Default: the route's deadline. */
  readonly budget?: Distribution | undefined;
  readonly disconnects?: Disconnects | undefined;
  readonly tenants?: readonly TenantGroup[] | undefined;
  /** Seats that a request holds, a whole number; drawn and rounded up. Default: the route's `cost`. */
  readonly cost?: Distribution | undefined;
  readonly retries?: Retries | undefined;
  /** How slowly clients read. */
  readonly reading?: Reading | undefined;
}

/** A lock that requests of several streams may share. */
export interface Lock {
  readonly name: string;
  readonly hold: Distribution;
  /** Every waiter lengthens a hold by this share of it: what contention costs the server. Default 0. */
  readonly costPerWaiter: number;
}

/** Clients that go away. */
export interface Disconnects {
  /** Share of the requests, 0 to 1. */
  readonly share: number;
  /** From the arrival on. */
  readonly after: Distribution;
}

/** Some tenants of a stream. */
export interface TenantGroup {
  readonly key: string;
  /** Tenants in this group: `key`-1, `key`-2 and so on. Default 1: `key` alone. */
  readonly count: number;
  /** Part of the stream that each of them sends, relative to the others. Default 1. */
  readonly weight: number;
  /** Whether every request invents a key of its own. Default false. */
  readonly fresh: boolean;
}

/** What clients do after a refusal or a failure. */
export interface Retries {
  /** Attempts in all, the first one included. */
  readonly attempts: number;
  readonly backoffMs: number;
  /** Each further wait is so many times longer. Default 2. */
  readonly factor: number;
  /** A wait is spread by up to this share in both directions. Default 0.5. */
  readonly jitter: number;
  /** Whether clients wait at least as long as `Retry-After` says. Default false. */
  readonly honourRetryAfter: boolean;
}

/** How long clients take to read an answer that is complete. */
export interface Reading {
  readonly time: Distribution;
  /** Whether the seat is held meanwhile, as by a cursor that streams. Default false. */
  readonly holdsSeat: boolean;
}

/** A time that is reported for itself. */
export interface ReportWindow {
  readonly name: string;
  readonly fromMs: number;
  readonly untilMs: number;
}

/**
 * After a step of the load: how long until the queue waits of a class are back inside a target. Measured as the end of
 * the last slice of 50 ms in which the median wait that ended was over it.
 */
export interface Reclaim {
  readonly atMs: number;
  readonly untilMs: number;
  readonly class: PriorityClass;
  readonly targetMs: number;
}

/**
 * Something that befalls the gateway. Where two of a kind overlap on a pool, the one that began last holds until its end, and then the other again;
 * outages and standstills that overlap are one.
 */
export type ScenarioEvent =
  | CapacityEvent
  | SlowdownEvent
  | LoopBlockEvent
  | OutageEvent
  | StandstillEvent
  | ConfigEvent;

/** A pool has other seats for a time, and then those that it is set to, by a {@link ConfigEvent} that came meanwhile, too. */
export interface CapacityEvent {
  readonly kind: 'capacity';
  readonly atMs: number;
  readonly forMs?: number | undefined;
  readonly pool: string;
  readonly seats: number;
}

/** Work that starts takes `factor` times longer; with `toFactor`, the factor changes evenly over the time. */
export interface SlowdownEvent {
  readonly kind: 'slowdown';
  readonly atMs: number;
  readonly forMs?: number | undefined;
  readonly pool: string;
  readonly factor: number;
  readonly toFactor?: number | undefined;
}

/** The event loop is blocked: what happens meanwhile is seen at its end, input before timers. */
export interface LoopBlockEvent {
  readonly kind: 'loopBlock';
  readonly atMs: number;
  readonly forMs: number;
  /** Again every so often, until the end. */
  readonly everyMs?: number | undefined;
}

/** The server behind a pool is down: the requests in flight are lost. */
export interface OutageEvent {
  readonly kind: 'outage';
  readonly atMs: number;
  readonly forMs: number;
  readonly pool: string;
}

/** Work on a pool stands still and then goes on where it was, as behind a pooler that is paused. */
export interface StandstillEvent {
  readonly kind: 'standstill';
  readonly atMs: number;
  readonly forMs: number;
  readonly pool: string;
}

/** Settings change under load. The `max` of a pool is connections, as in a configuration. */
export interface ConfigEvent {
  readonly kind: 'config';
  readonly atMs: number;
  readonly pools?: Readonly<Record<string, { readonly max: number }>> | undefined;
  readonly routes?: Readonly<Record<string, RouteChange>> | undefined;
}

/** Settings of a route that can change under load. */
export interface RouteChange {
  readonly ratePerSecond?: number | undefined;
  readonly burst?: number | undefined;
  readonly deadlineMs?: number | undefined;
  readonly maxQueued?: number | undefined;
}
