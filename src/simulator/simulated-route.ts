import { KeyedBuckets } from '../core/keyed-buckets.js';
import type { PriorityRank } from '../core/priority.js';
import { ServiceTimes } from '../core/service-times.js';
import type { RouteLoad } from '../core/ticket.js';
import { TokenBucket } from '../core/token-bucket.js';
import type { Refusal } from '../errors.js';
import type { RouteChange } from './scenario.js';
import type { RouteSettings } from './settings.js';
import type { SimulatedPool } from './simulated-pool.js';

/** A route in a simulation: what admission knows of it, and its buckets. */
export class SimulatedRoute implements RouteLoad {
  readonly name: string;
  readonly rank: PriorityRank;
  readonly times: ServiceTimes;
  readonly pool: SimulatedPool | undefined;
  readonly cancelOnDisconnect: boolean;
  /** Seats of a request whose stream does not say. */
  readonly seats: number;
  deadlineMs: number;
  maxQueued: number;
  queued: number = 0;
  lastLeaseMs: number = Number.NEGATIVE_INFINITY;
  readonly #callers: KeyedBuckets | undefined;
  #bucket: TokenBucket | undefined;

  constructor(settings: RouteSettings, pool: SimulatedPool | undefined) {
    const { perCaller, ratePerSecond, expectedMs } = settings;
    this.name = settings.name;
    this.rank = settings.rank;
    this.pool = pool;
    this.deadlineMs = settings.deadlineMs;
    this.maxQueued = settings.maxQueued;
    this.cancelOnDisconnect = settings.cancelOnDisconnect;
    this.seats = settings.seats ?? 1;
    this.times = new ServiceTimes(expectedMs === undefined ? {} : { expectedMs });
    this.#bucket = ratePerSecond === undefined ? undefined : new TokenBucket(ratePerSecond, settings.burst);
    this.#callers =
      perCaller &&
      new KeyedBuckets({
        refillPerSecond: perCaller.ratePerSecond,
        burst: perCaller.burst,
        maxKeys: perCaller.maxKeys,
      });
  }

  /** Takes one token from every bucket of a request, or from none; the refusal says how long to wait. */
  take(nowMs: number, caller: string | undefined): Refusal | undefined {
    const bucket = this.#bucket;
    if (bucket !== undefined && !bucket.canTake(nowMs, 1)) return rateLimited(this.name, bucket.msUntil(nowMs, 1));
    if (caller !== undefined && this.#callers?.take(nowMs, caller, 1) === false) {
      return rateLimited(this.name, this.#callers.msUntil(nowMs, caller, 1));
    }
    bucket?.take(nowMs, 1);
    return undefined;
  }

  /** Gives back what {@link take} took. */
  refund(nowMs: number, caller: string | undefined): void {
    this.#bucket?.refund(nowMs, 1);
    if (caller !== undefined) this.#callers?.refund(nowMs, caller, 1);
  }

  /** Settings change under load. */
  change(nowMs: number, { ratePerSecond, burst, deadlineMs, maxQueued }: RouteChange): void {
    this.deadlineMs = deadlineMs ?? this.deadlineMs;
    this.maxQueued = maxQueued ?? this.maxQueued;
    if (ratePerSecond === undefined && burst === undefined) return;
    const rate = ratePerSecond ?? this.#bucket?.refillPerSecond;
    if (rate === undefined) return;
    const most = burst ?? this.#bucket?.burst ?? Math.max(1, rate);
    if (this.#bucket === undefined) this.#bucket = new TokenBucket(rate, most);
    else this.#bucket.reconfigure(nowMs, rate, most);
  }
}

function rateLimited(route: string, retryAfterMs: number): Refusal {
  return {
    code: 'rate_limited',
    status: 429,
    outcome: 'not_started',
    detail: 'Over the rate limit.',
    ...(Number.isFinite(retryAfterMs) ? { retryAfterMs } : {}),
    measured: { route },
  };
}
