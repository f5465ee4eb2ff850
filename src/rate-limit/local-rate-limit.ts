import type { Archive } from '../core/archive.js';
import { KeyedBuckets, type KeyedBucketsOptions } from '../core/keyed-buckets.js';
import { TokenBucket } from '../core/token-bucket.js';

/** Rounding must not hide a token that is there. */
const ROUNDING = 1e-9;

/** Rate limits of one route, in tokens. */
export interface LocalRateLimitOptions {
  /** For all requests of the route together. Default: none. */
  readonly endpoint?: { readonly refillPerSecond: number; readonly burst: number } | undefined;
  /** For each caller of the route. Default: none. */
  readonly perCaller?: KeyedBucketsOptions | undefined;
}

/** Why a request was shed: the bucket that makes it wait longest. */
export interface RateShed {
  /** `endpoint`: all callers together are over the rate limit. `caller`: this caller is. */
  readonly scope: 'endpoint' | 'caller';
  /** Until every bucket could pay, in milliseconds; `Infinity` when none ever could, as the cost exceeds a burst. */
  readonly retryAfterMs: number;
  /** Of the bucket named by `scope`, in tokens per second. */
  readonly refillPerSecond: number;
  /** Of the bucket named by `scope`, in tokens. */
  readonly burst: number;
}

/**
 * The rate limits of one route in this process: a bucket of the endpoint and, where set, one of each caller. A request
 * is charged to all of them or to none. A request without a caller key is charged to the endpoint only.
 */
export class LocalRateLimit {
  readonly #endpoint: TokenBucket | undefined;
  readonly #callers: KeyedBuckets | undefined;

  /** @throws RangeError when a rate, a burst or `maxKeys` is out of range. */
  constructor(options: LocalRateLimitOptions) {
    const { endpoint, perCaller } = options;
    this.#endpoint = endpoint && new TokenBucket(endpoint.refillPerSecond, endpoint.burst);
    this.#callers = perCaller && new KeyedBuckets(perCaller);
  }

  /** Callers that have a bucket of their own now. */
  get callers(): number {
    return this.#callers?.size ?? 0;
  }

  /**
   * Takes `cost` tokens from every bucket of the request, or from none.
   *
   * @param cost - Tokens, 0 or more.
   * @returns `undefined` when they were taken, else why not.
   * @throws RangeError for a negative cost or NaN.
   */
  take(nowMs: number, callerKey: string | undefined, cost: number): RateShed | undefined {
    const endpoint = this.#endpoint;
    if (endpoint !== undefined && !endpoint.canTake(nowMs, cost)) return this.#shed(nowMs, callerKey, cost);
    if (callerKey !== undefined && this.#callers?.take(nowMs, callerKey, cost) === false) {
      return this.#shed(nowMs, callerKey, cost);
    }
    endpoint?.take(nowMs, cost);
    return undefined;
  }

  /** Gives back what {@link take} took, for a request that was not started. Call it once for a `take`. */
  refund(nowMs: number, callerKey: string | undefined, cost: number): void {
    this.#endpoint?.refund(nowMs, cost);
    if (callerKey !== undefined) this.#callers?.refund(nowMs, callerKey, cost);
  }

  /** Whole tokens left for this caller: the least of its buckets. `Infinity` without a rate limit. */
  remaining(nowMs: number, callerKey: string | undefined): number {
    const endpoint = this.#endpoint?.tokens(nowMs) ?? Number.POSITIVE_INFINITY;
    const caller = callerKey === undefined ? undefined : this.#callers?.tokens(nowMs, callerKey);
    return Math.floor(Math.min(endpoint, caller ?? endpoint) + ROUNDING);
  }

  /**
   * Milliseconds until {@link remaining} is greater than now; 0 when it is at its greatest, `Infinity` when nothing
   * refills.
   */
  resetMs(nowMs: number, callerKey: string | undefined): number {
    const next = this.remaining(nowMs, callerKey) + 1;
    const callerBurst = callerKey === undefined ? undefined : this.#callers?.burst;
    const most = Math.min(this.#endpoint?.burst ?? Number.POSITIVE_INFINITY, callerBurst ?? Number.POSITIVE_INFINITY);
    if (next > most) return 0;
    return Math.max(this.#endpointMs(nowMs, next), this.#callerMs(nowMs, callerKey, next));
  }

  /** Carries the levels of its buckets; see {@link Archive}. */
  archive(io: Archive): void {
    this.#endpoint?.archive(io);
    this.#callers?.archive(io);
  }

  #shed(nowMs: number, callerKey: string | undefined, cost: number): RateShed {
    const endpointMs = this.#endpointMs(nowMs, cost);
    const callerMs = this.#callerMs(nowMs, callerKey, cost);
    const byCaller = callerMs > endpointMs;
    const { refillPerSecond, burst } = (byCaller ? this.#callers : this.#endpoint) ?? { refillPerSecond: 0, burst: 0 };
    return {
      scope: byCaller ? 'caller' : 'endpoint',
      retryAfterMs: byCaller ? callerMs : endpointMs,
      refillPerSecond,
      burst,
    };
  }

  #endpointMs(nowMs: number, cost: number): number {
    return this.#endpoint?.msUntil(nowMs, cost) ?? 0;
  }

  #callerMs(nowMs: number, callerKey: string | undefined, cost: number): number {
    return callerKey === undefined ? 0 : (this.#callers?.msUntil(nowMs, callerKey, cost) ?? 0);
  }
}
