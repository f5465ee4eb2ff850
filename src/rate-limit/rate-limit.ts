import type { Archive } from '../core/archive.js';
import type { Bucket } from '../core/bucket.js';
import { KeyedBuckets, type KeyedBucketsOptions } from '../core/keyed-buckets.js';
import type { PriorityRank } from '../core/priority.js';
import { TokenBucket } from '../core/token-bucket.js';
import type { TotalRate } from './total-rate.js';

/** Rounding must not hide a token that is there. */
const ROUNDING = 1e-9;

/** Makes a full bucket; `name` tells it from the others of the route, whatever their callers are called. */
export type MakeBucket = (name: string, refillPerSecond: number, burst: number) => Bucket;

/** Rate limits of one route, in tokens. */
export interface RateLimitOptions {
  /** For all requests of the route together. Default: none. */
  readonly endpoint?: { readonly refillPerSecond: number; readonly burst: number } | undefined;
  /** For each caller of the route. Default: none. */
  readonly perCaller?: Omit<KeyedBucketsOptions, 'makeBucket'> | undefined;
  /** For all routes together. Default: none. */
  readonly total?: TotalRate | undefined;
  /** Where its buckets are. Default: in this process. */
  readonly makeBucket?: MakeBucket | undefined;
}

/** Why a request was shed: the bucket that makes it wait longest. */
export interface RateShed {
  /**
   * `gateway`: all routes together are over the rate limit. `endpoint`: all callers of the route together are. `caller`:
   * this caller is. `newcomers`: those callers together are that have no bucket of their own, as `maxKeys` others are busy.
   */
  readonly scope: 'gateway' | 'endpoint' | 'caller' | 'newcomers';
  /** Until every bucket could pay, in milliseconds; `Infinity` when none ever could, as the cost exceeds a burst. */
  readonly retryAfterMs: number;
  /** Of the bucket named by `scope`, in tokens per second. */
  readonly refillPerSecond: number;
  /** Of the bucket named by `scope`, in tokens. */
  readonly burst: number;
}

/** What a client may be told of one bucket. */
export interface BucketLevel {
  /** Whole tokens. */
  readonly remaining: number;
  /** Milliseconds until there is one more; 0 when the bucket is full, `Infinity` when nothing refills it. */
  readonly untilMoreMs: number;
}

/**
 * The rate limits of one route: a bucket of the endpoint and, where set, one of each caller and one of all routes. A
 * request is charged to all of them or to none. A request without a caller key is charged to the others only.
 *
 * Buckets are kept in this process, or shared with others of a fleet; decisions are taken here either way.
 */
export class RateLimit {
  readonly #endpoint: Bucket | undefined;
  readonly #callers: KeyedBuckets | undefined;
  readonly #total: TotalRate | undefined;
  /** Of those buckets of callers that are still to be made. */
  #callerRate: { readonly refillPerSecond: number; readonly burst: number } | undefined;

  /** @throws RangeError when a rate, a burst or `maxKeys` is out of range. */
  constructor(options: RateLimitOptions) {
    const { endpoint, perCaller, total, makeBucket = localBucket } = options;
    this.#endpoint = endpoint && makeBucket('endpoint', endpoint.refillPerSecond, endpoint.burst);
    this.#callerRate = perCaller;
    this.#callers =
      perCaller &&
      new KeyedBuckets({
        ...perCaller,
        makeBucket: (key) => {
          const { refillPerSecond, burst } = this.#callerRate ?? perCaller;
          return makeBucket(key === undefined ? 'others' : `caller:${key}`, refillPerSecond, burst);
        },
      });
    this.#total = total;
  }

  /** Whether {@link adjust} changes anything: the bucket of the endpoint is in this process alone. */
  get adjustable(): boolean {
    return this.#endpoint instanceof TokenBucket;
  }

  /**
   * Changes rate and burst of the endpoint from `nowMs` on, where it has a bucket in this process; the tokens that are
   * there stay, up to the new burst.
   *
   * @throws RangeError when either is out of range; nothing has changed then.
   */
  adjust(nowMs: number, refillPerSecond: number, burst: number): void {
    if (this.#endpoint instanceof TokenBucket) this.#endpoint.reconfigure(nowMs, refillPerSecond, burst);
  }

  /** Whether {@link adjustCallers} changes anything: there are buckets per caller, in this process alone. */
  get callersAdjustable(): boolean {
    return this.#callers?.adjustable === true;
  }

  /** The same as {@link adjust}, for the bucket of each caller. */
  adjustCallers(nowMs: number, refillPerSecond: number, burst: number): void {
    if (this.#callers?.adjustable !== true) return;
    this.#callers.reconfigure(nowMs, refillPerSecond, burst);
    this.#callerRate = { refillPerSecond, burst };
  }

  /** Callers that have a bucket of their own now. */
  get callers(): number {
    return this.#callers?.size ?? 0;
  }

  /**
   * Takes `cost` tokens from every bucket of the request, or from none.
   *
   * @param cost - Tokens, 0 or more.
   * @param rank - Class of the request: less important ones leave tokens of the bucket of all routes to the others.
   * @returns `undefined` when they were taken, else why not.
   * @throws RangeError for a negative cost or NaN.
   */
  take(nowMs: number, callerKey: string | undefined, cost: number, rank: PriorityRank = 0): RateShed | undefined {
    const endpoint = this.#endpoint;
    const total = this.#total;
    const overEndpoint = endpoint?.canTake(nowMs, cost) === false;
    const overTotal = !overEndpoint && total?.canTake(nowMs, cost, rank) === false;
    if (overEndpoint) endpoint.miss(nowMs, cost);
    if (overTotal) total?.miss(nowMs, cost, rank);
    if (
      overEndpoint ||
      overTotal ||
      (callerKey !== undefined && this.#callers?.take(nowMs, callerKey, cost) === false)
    ) {
      return this.#shed(nowMs, callerKey, cost, rank);
    }
    endpoint?.take(nowMs, cost);
    total?.take(nowMs, cost, rank);
    return undefined;
  }

  /** Gives back what {@link take} took, for a request that was not started. Call it once for a `take`. */
  refund(nowMs: number, callerKey: string | undefined, cost: number): void {
    this.#endpoint?.refund(nowMs, cost);
    this.#total?.refund(nowMs, cost);
    if (callerKey !== undefined) this.#callers?.refund(nowMs, callerKey, cost);
  }

  /** What is left to the endpoint; `undefined` where it has no rate limit of its own. */
  endpointLevel(nowMs: number): BucketLevel | undefined {
    const endpoint = this.#endpoint;
    if (endpoint === undefined) return undefined;
    return levelOf(endpoint.tokens(nowMs), endpoint.burst, (tokens) => endpoint.msUntil(nowMs, tokens));
  }

  /** What is left to this caller; `undefined` without a key, or where callers have no buckets. */
  callerLevel(nowMs: number, callerKey: string | undefined): BucketLevel | undefined {
    const callers = this.#callers;
    if (callers === undefined || callerKey === undefined) return undefined;
    const tokens = callers.tokens(nowMs, callerKey);
    return levelOf(tokens, callers.burst, (more) => callers.msUntil(nowMs, callerKey, more));
  }

  /** Carries the levels of its buckets, but for that of all routes; see {@link Archive}. */
  archive(io: Archive): void {
    this.#endpoint?.archive(io);
    this.#callers?.archive(io);
  }

  #shed(nowMs: number, callerKey: string | undefined, cost: number, rank: PriorityRank): RateShed {
    const waits: RateShed[] = [shedBy('endpoint', this.#endpointMs(nowMs, cost), this.#endpoint)];
    const callers = this.#callers;
    if (callers !== undefined && callerKey !== undefined) {
      const scope = callers.overflows(nowMs, callerKey) ? 'newcomers' : 'caller';
      waits.push(shedBy(scope, callers.msUntil(nowMs, callerKey, cost), callers));
    }
    const total = this.#total;
    if (total !== undefined) waits.push(shedBy('gateway', total.msUntil(nowMs, cost, rank), total));
    return waits.reduce((longest, one) => (one.retryAfterMs > longest.retryAfterMs ? one : longest));
  }

  #endpointMs(nowMs: number, cost: number): number {
    return this.#endpoint?.msUntil(nowMs, cost) ?? 0;
  }
}

const localBucket: MakeBucket = (_name, refillPerSecond, burst) => new TokenBucket(refillPerSecond, burst);

function levelOf(tokens: number, burst: number, msUntil: (tokens: number) => number): BucketLevel {
  const remaining = Math.floor(tokens + ROUNDING);
  return { remaining, untilMoreMs: remaining + 1 > burst ? 0 : msUntil(remaining + 1) };
}

function shedBy(
  scope: RateShed['scope'],
  retryAfterMs: number,
  bucket: Pick<Bucket, 'refillPerSecond' | 'burst'> | undefined,
): RateShed {
  const { refillPerSecond, burst } = bucket ?? { refillPerSecond: 0, burst: 0 };
  return { scope, retryAfterMs, refillPerSecond, burst };
}
