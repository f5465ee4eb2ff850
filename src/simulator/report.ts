import type { PriorityClass } from '../core/priority.js';
import type { ErrorCode } from '../errors.js';
import type { ClassShare } from './simulated-pool.js';

/** What a simulation tells: the same for the same scenario, settings and seeds, byte for byte. Durations in ms. */
export interface Report {
  readonly scenario: string;
  readonly seeds: readonly number[];
  /** Calls that were simulated, those of the warm-up included. */
  readonly calls: number;
  /** The whole first, then the windows of the scenario. */
  readonly windows: readonly WindowReport[];
  readonly pools: readonly PoolReport[];
  readonly tenants: readonly TenantReport[];
  /** How long a class waited too long after a step, in the slowest run; absent where the scenario names none. */
  readonly reclaimMs?: number;
}

/** One time of the scenario. */
export interface WindowReport {
  readonly name: string;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly total: GroupReport;
  readonly classes: readonly GroupReport[];
  /** Each with its class. */
  readonly routes: readonly (GroupReport & { readonly class: PriorityClass })[];
  /**
   * How far the lower classes of a pool are from the weighted max-min division of what they got there, in the pool where
   * it is farthest; 0 is fair.
   */
  readonly fairnessMargin: number;
}

/** Some calls that belong together. */
export interface GroupReport {
  /** Of a class or a route, or `all`. */
  readonly name: string;
  readonly offered: number;
  readonly good: number;
  readonly goodPerSecond: number;
  /** Answers in time, of a hundred offered. */
  readonly successPercent: number;
  /** Of a hundred offered, those whose service alone fits into the time they were given. */
  readonly ceilingPercent: number;
  /** Answers in time, of a hundred first attempts: what clients that retry see. */
  readonly servedPercent: number;
  /** Seat time of answers in time, of a hundred parts of all seat time. */
  readonly usefulPercent: number;
  /** Share of all seat time that was used. */
  readonly seatShare: number;
  readonly latencyMs: Quantiles;
  readonly late: number;
  readonly left: number;
  readonly lost: number;
  readonly shed: Quantiles & { readonly count: number };
  readonly shedFromQueue: Quantiles & { readonly count: number };
  readonly shedBy: Readonly<Partial<Record<ErrorCode, Quantiles & { readonly count: number }>>>;
}

/** `null` where there is nothing. */
export interface Quantiles {
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

/** One pool. */
export interface PoolReport {
  readonly name: string;
  readonly longestQueue: number;
  /** Seats at the end: their mean over all runs. */
  readonly seatsAtEnd: number;
  /** What each class had of the seats in the seconds in which it always waited. */
  readonly shares: readonly (ClassShare & { readonly class: PriorityClass; readonly minimum: number })[];
}

/** The tenants of one route. */
export interface TenantReport {
  readonly route: string;
  readonly tenants: number;
  /** How far they are from the max-min division of what they got together. */
  readonly fairnessMargin: number;
  /** The one that asked for most, and the others together. */
  readonly greatest: { readonly name: string; readonly successPercent: number; readonly latencyP99Ms: number | null };
  readonly others: { readonly successPercent: number; readonly latencyP99Ms: number | null };
}
