import { Bulkhead } from '../core/bulkhead.js';
import type { Shares } from '../core/class-shares.js';
import type { Discipline } from '../core/discipline.js';
import type { Outage } from '../core/outage.js';
import type { PriorityRank } from '../core/priority.js';
import type { Ticket } from '../core/ticket.js';
import type { Refusal } from '../errors.js';
import type { Call } from './call.js';

/** The settings of a gateway as far as they decide who is admitted. */
export interface GatewaySettings {
  readonly pools: readonly PoolSettings[];
  readonly routes: readonly RouteSettings[];
}

/** One pool, or the seats of a route that has none. */
export interface PoolSettings {
  readonly name: string;
  readonly seats: number;
  /** For how much of its time on a seat a request needs a connection: a `max` of n has n / so many seats. Default 1. */
  readonly operationsPerRequest?: number | undefined;
  readonly headroom?: number | undefined;
  readonly shares: Shares;
  readonly rideOutMs: number;
  readonly maxQueued?: number | undefined;
  readonly maxTenants?: number | undefined;
  /** Fewest seats of a limit that adapts. Default: it does not. */
  readonly adaptiveFrom?: number | undefined;
  /** Mechanisms that are switched off. Default: none. */
  readonly discipline?: Partial<Discipline> | undefined;
}

/** One route. */
export interface RouteSettings {
  readonly name: string;
  /** The name of a pool; without one nobody waits. */
  readonly pool?: string | undefined;
  readonly rank: PriorityRank;
  readonly deadlineMs: number;
  readonly maxQueued: number;
  readonly expectedMs?: number | undefined;
  readonly ratePerSecond?: number | undefined;
  readonly burst: number;
  readonly perCaller?: { readonly ratePerSecond: number; readonly burst: number; readonly maxKeys: number } | undefined;
  /** Seats of a request whose stream does not say. Default 1. */
  readonly seats?: number | undefined;
  /** Whether a function names the seats of each request: those of a recording keep theirs. Default false. */
  readonly seatsByRequest?: boolean | undefined;
  /** Whether the work of a client that went away is stopped. */
  readonly cancelOnDisconnect: boolean;
}

/** Who decides about the seats of a pool: the bulkhead of the product, or a rival that it is compared with. */
export interface SeatPolicy {
  /** The concurrency limit; absent for a rival that keeps it to itself. */
  readonly seats?: number;
  readonly inFlight: number;
  readonly queued: number;
  /** Absent for a rival that knows no outages. */
  readonly outage?: Outage;
  preflight(nowMs: number, ticket: Ticket<Call>): Refusal | undefined;
  arrive(nowMs: number, ticket: Ticket<Call>): 'leased' | 'queued' | Refusal;
  next(nowMs: number): Ticket<Call> | undefined;
  release(nowMs: number, ticket: Ticket<Call>): void;
  withdraw(nowMs: number, ticket: Ticket<Call>): boolean;
  resize(nowMs: number, seats: number): void;
  anyQueued(): Ticket<Call> | undefined;
  endOutage?(nowMs: number): void;
  /** For how long of its lease a ticket held its seat only because nothing moved; absent for a rival that never asks. */
  stoodStillMs?(nowMs: number, ticket: Ticket<Call>): number;
  /**
   * The instant at which a queued ticket is given up. Default: the last one at which it could still start and be done
   * in time, as the gateway does.
   */
  givesUpAtMs?(nowMs: number, ticket: Ticket<Call>): number;
}

/** Makes the policy of one pool. */
export type PolicyFactory = (pool: PoolSettings, servesTopClass: boolean) => SeatPolicy;

/** The policy of the product: the very code that a gateway runs. */
export function bulkheads(discipline: Partial<Discipline> = {}): PolicyFactory {
  return (pool, servesTopClass) => {
    const { seats, headroom, shares, rideOutMs, maxQueued, maxTenants } = pool;
    return new Bulkhead<Call>({
      seats,
      headroom,
      servesTopClass,
      shares,
      rideOutMs,
      discipline: { ...pool.discipline, ...discipline },
      ...(maxQueued === undefined ? {} : { maxQueued }),
      ...(maxTenants === undefined ? {} : { maxTenants }),
    });
  };
}
