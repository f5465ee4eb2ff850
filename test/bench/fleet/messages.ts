import type { PriorityRank } from '../../../src/core/priority.js';

/** What one instance of the fleet is told. */
export interface InstanceOrder {
  readonly url: string;
  /** Of the whole fleet. */
  readonly ratePerSecond: number;
  /** Of the whole fleet. */
  readonly burst: number;
  readonly instances: number;
  /** What this instance is asked for. */
  readonly demandPerSecond: number;
  /** Of one class under the rate limit of all routes together; absent for the rate limit of an endpoint. */
  readonly rank?: PriorityRank;
  /** By the clock of the machine, so that all begin together. */
  readonly startAtMs: number;
  readonly runMs: number;
}

/** What it answers. */
export interface InstanceReport {
  /** Requests admitted in each millisecond since the start. */
  readonly admitted: readonly number[];
  /** One decision, in nanoseconds. */
  readonly decisionNs: number;
  /** Operations on Redis since the start. */
  readonly reports: number;
}
