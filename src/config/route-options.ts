import type { IncomingMessage } from 'node:http';
import type { PriorityClass } from '../core/priority.js';

/** What happens to the work of a client that went away; never applied to a transaction whose COMMIT was sent. */
export type DisconnectPolicy = 'cancel' | 'finish';

/** What the code says about one route; overridden by `SLUICE_ROUTE_<NAME>_<FIELD>`. */
export interface RouteOptions<PoolName extends string = string> {
  /** Name of the pool that serves the route. Default: none, and the route has no database. */
  readonly pool?: PoolName | undefined;
  /** Priority class. Default `normal`. */
  readonly priority?: PriorityClass | undefined;
  /** Refill rate of the route's token bucket, in requests per second, above 0 up to 1,000,000. Default: no rate limit. */
  readonly ratePerSecond?: number | undefined;
  /** Capacity of the token bucket, in requests, 1 to 10,000,000. Default `ratePerSecond`, at least 1. */
  readonly burst?: number | undefined;
  /** Whether the route's rate limits hold for all instances together. Default true where there is a Redis. */
  readonly fleetWide?: boolean | undefined;
  /**
   * Requests of this route at work in all instances together, 1 to 100,000; needs a Redis and a `ratePerSecond`, and is
   * not for the critical class. Default: none.
   */
  readonly fleetMaxConcurrent?: number | undefined;
  /** Time from arrival to deadline, in ms, 1 to 3,600,000. Default 10,000. */
  readonly deadlineMs?: number | undefined;
  /**
   * Time of every day in which the route serves, for example `22:00-06:00`; not for the critical class. What comes at
   * another time is refused as `outside_window`, with the wait for the next opening. Default: always.
   */
  readonly window?: string | undefined;
  /** Time zone of `window`, a name of the IANA database. Default: that of the process. */
  readonly timeZone?: string | undefined;
  /** Requests queued at most, 0 to 1,000,000. Default 1,000. */
  readonly maxQueued?: number | undefined;
  /** Concurrency limit of a route without a pool, 1 to 100,000. Default: none. */
  readonly concurrency?: number | undefined;
  /**
   * Whether the deadline ends at the first byte of the answer. Default false. After the deadline such a request holds its
   * seat only while it holds a connection or waits for one: where nothing of the database is in its hands, its client may
   * read as slowly as it likes. The next `query`, `transaction` or `connect` waits for a seat again, at the head of the
   * class. While it holds a connection its client has to read 8,192 bytes a second on average over `writeTimeoutMs`.
   */
  readonly stream?: boolean | undefined;
  /** What happens to the work of a client that went away. Default `cancel`. */
  readonly onDisconnect?: DisconnectPolicy | undefined;
  /** How long past the deadline a COMMIT that was sent may take to answer, in ms, 0 to 60,000. Default 100. */
  readonly commitGraceMs?: number | undefined;
  /** Service time to expect before any is measured, in ms, above 0 up to 3,600,000. Default: none. */
  readonly expectedMs?: number | undefined;
  /**
   * Seats that a request takes, 1 to 1,000; not more than the pool has, and below `critical` not more than a fixed
   * `headroom` leaves of them. Headroom that is measured may give a request of a lower class fewer. Default 1.
   */
  readonly cost?: number | undefined;
  // Methods, not function properties: their parameter is bivariant, so a function of an Express request fits.
  /**
   * The seats that this request takes: a whole number from 1; anything else, and `undefined`, counts as `cost`, and more
   * seats than the pool has count as all of them. A function that throws, or returns a promise or another value that is
   * no number, counts as one that returned `undefined`; a warning `cost_unusable` says so once.
   */
  costOf?(request: IncomingMessage): number | undefined;
  /**
   * Names the tenant of a request, for fair shares within its class; `undefined` for the share of those without name.
   * A function that throws, or returns a promise or another value that is no string or number, counts as one that
   * returned `undefined`; a warning `tenant_unusable` says so once.
   */
  tenantOf?(request: IncomingMessage): string | undefined;
  /** A second token bucket for each caller. Default: none. */
  readonly perCaller?: PerCallerOptions | undefined;
}

/** A token bucket per caller; its numbers are overridden by `SLUICE_ROUTE_<NAME>_PER_CALLER_<FIELD>`. */
export interface PerCallerOptions {
  // A method, not a function property: its parameter is bivariant, so a function of an Express request fits.
  /**
   * Names the caller of a request; `undefined` leaves the request to the route's own bucket. For what Express adds, name
   * its type: `key: (req: Request) => req.ip`. A function that throws, or returns a promise or another value that is no
   * string or number, counts as one that returned `undefined`; a warning `caller_key_unusable` says so once.
   */
  key(request: IncomingMessage): string | undefined;
  /** Refill rate of each caller's bucket, in requests per second, above 0 up to 1,000,000. Here or in the environment. */
  readonly ratePerSecond?: number | undefined;
  /** Capacity of each caller's bucket, in requests, 1 to 10,000,000. Default `ratePerSecond`, at least 1. */
  readonly burst?: number | undefined;
  /**
   * Callers told apart at once, 1 to 1,000,000. Default 10,000. While more than that are busy, those who come new share
   * one bucket of the same rate and burst, so that no flood of invented keys takes more than that.
   */
  readonly maxKeys?: number | undefined;
}
