import type { Archive } from './archive.js';
import { boundedKey, detached } from './bounded-key.js';
import type { Bucket } from './bucket.js';
import { requireNumber } from './numbers.js';
import { TokenBucket } from './token-bucket.js';

/** How many buckets a newcomer may look at in search of one that can be forgotten. */
const SWEEP = 8;

/** How one caller is limited, and how many callers are told apart. */
export interface KeyedBucketsOptions {
  /** Tokens per second of one caller, 0 or more. */
  readonly refillPerSecond: number;
  /** Capacity of one caller's bucket in tokens, above 0. */
  readonly burst: number;
  /** Callers told apart at a time, 1 to 1,000,000. Default 10,000, at most some 5 MB. */
  readonly maxKeys?: number | undefined;
  /** Makes the bucket of a caller, full; of the overflow where there is no key. Default: one of this process alone. */
  readonly makeBucket?: ((key: string | undefined) => Bucket) | undefined;
}

interface Entry {
  readonly key: string;
  readonly bucket: Bucket;
}

/**
 * One {@link Bucket} per caller key, in bounded memory and O(1) a call, whatever keys callers invent.
 *
 * **Who keeps a bucket.** A bucket is only ever forgotten when it is full again, which loses nothing: so no flood of
 * invented keys resets the bucket of a busy caller. A newcomer takes the place of a full one (a hand goes round and
 * looks at eight a time); while none is found, newcomers share a single overflow bucket of the same rate and burst.
 *
 * **What that bounds.** In any time T one caller gets at most `2 x (burst + refillPerSecond x T)`, own and overflow
 * together, and exactly its own bucket's worth while fewer than `maxKeys` callers are busy; all callers together get
 * at most `(maxKeys + 1) x (burst + refillPerSecond x T)`. To keep newcomers in the overflow bucket somebody has to
 * spend at least `maxKeys` tokens in the time in which one token refills.
 */
export class KeyedBuckets {
  readonly #maxKeys: number;
  readonly #buckets: Map<string, Bucket> = new Map();
  readonly #entries: Entry[] = [];
  readonly #overflow: Bucket;
  readonly #makeBucket: (key: string | undefined) => Bucket;
  #hand = 0;
  // Shared by all buckets, so that a bucket made anew after a jump backwards cannot refill for the same time twice.
  #latestMs = Number.NEGATIVE_INFINITY;

  /** @throws RangeError when an option is out of range. */
  constructor(options: KeyedBucketsOptions) {
    const { refillPerSecond, burst } = options;
    this.#makeBucket = options.makeBucket ?? (() => new TokenBucket(this.refillPerSecond, this.burst));
    this.#overflow = options.makeBucket?.(undefined) ?? new TokenBucket(refillPerSecond, burst);
    this.#maxKeys = requireNumber('maxKeys', options.maxKeys ?? 10_000, { min: 1, max: 1_000_000, integer: true });
  }

  /** Tokens per second of one caller. */
  get refillPerSecond(): number {
    return this.#overflow.refillPerSecond;
  }

  /** Capacity of one caller's bucket, in tokens. */
  get burst(): number {
    return this.#overflow.burst;
  }

  /** Callers that have a bucket of their own now; never more than `maxKeys`. */
  get size(): number {
    return this.#entries.length;
  }

  /** Tokens that this caller could take at `nowMs`. */
  tokens(nowMs: number, key: string): number {
    const atMs = this.#at(nowMs);
    return this.#find(atMs, boundedKey(key))?.tokens(atMs) ?? this.burst;
  }

  /** Whether {@link take} would succeed. */
  canTake(nowMs: number, key: string, cost: number): boolean {
    return this.tokens(nowMs, key) >= cost;
  }

  /** Whether this caller would be charged to the overflow bucket: as many others are busy as are told apart. */
  overflows(nowMs: number, key: string): boolean {
    return this.#find(this.#at(nowMs), boundedKey(key)) === this.#overflow;
  }

  /** Takes `cost` tokens of this caller, all or none; see {@link Bucket.take}. `false` changes nothing. */
  take(nowMs: number, key: string, cost: number): boolean {
    const atMs = this.#at(nowMs);
    const name = boundedKey(key);
    const own = this.#buckets.get(name);
    if (!(own === undefined ? this.#takeNew(atMs, name, cost) : own.take(atMs, cost))) return false;
    this.#latestMs = atMs;
    return true;
  }

  /** Milliseconds until this caller could take `cost`; see {@link Bucket.msUntil}. */
  msUntil(nowMs: number, key: string, cost: number): number {
    const atMs = this.#at(nowMs);
    const bucket = this.#find(atMs, boundedKey(key)) ?? new TokenBucket(this.refillPerSecond, this.burst);
    return bucket.msUntil(atMs, cost) + (atMs - nowMs);
  }

  /**
   * Gives back what {@link take} took for a request that was not started. A caller without a bucket of its own took
   * from the overflow bucket, or has a full one.
   */
  refund(nowMs: number, key: string, cost: number): void {
    const atMs = this.#at(nowMs);
    (this.#buckets.get(boundedKey(key)) ?? this.#overflow).refund(atMs, cost);
    this.#latestMs = atMs;
  }

  /** Whether {@link reconfigure} can change anything: its buckets are in this process alone. */
  get adjustable(): boolean {
    return this.#overflow instanceof TokenBucket;
  }

  /**
   * Changes rate and burst of every caller from `nowMs` on; each keeps the tokens that it has, up to the new burst. Takes
   * time for each caller that has a bucket. `makeBucket` has to make those to come by the new figures.
   *
   * @throws RangeError when either is out of range; nothing has changed then.
   */
  reconfigure(nowMs: number, refillPerSecond: number, burst: number): void {
    const atMs = this.#at(nowMs);
    for (const bucket of [this.#overflow, ...this.#buckets.values()]) {
      if (bucket instanceof TokenBucket) bucket.reconfigure(atMs, refillPerSecond, burst);
    }
  }

  /** Carries its state; see {@link Archive}. */
  archive(io: Archive): void {
    this.#overflow.archive(io);
    this.#hand = io.number(this.#hand);
    this.#latestMs = io.number(this.#latestMs);
    const count = io.number(this.#entries.length);
    for (let place = 0; place < count; place++) {
      const known = this.#entries[place];
      const key = io.key(known?.key ?? '');
      const bucket = known?.bucket ?? this.#makeBucket(key);
      bucket.archive(io);
      if (!io.loading) continue;
      this.#entries[place] = { key, bucket };
      this.#buckets.set(key, bucket);
    }
  }

  #at(nowMs: number): number {
    return nowMs > this.#latestMs ? nowMs : this.#latestMs;
  }

  /** The bucket that a call is charged to; `undefined` for a full one that does not exist yet. */
  #find(atMs: number, name: string): Bucket | undefined {
    const own = this.#buckets.get(name);
    if (own !== undefined) return own;
    if (this.#entries.length < this.#maxKeys) return undefined;
    return this.#forgettable(atMs) === undefined ? this.#overflow : undefined;
  }

  /** The place of the next bucket that is full again, of those that the hand looks at. */
  #forgettable(atMs: number): number | undefined {
    const { length } = this.#entries;
    for (let step = 0; step < Math.min(SWEEP, length); step++) {
      const place = (this.#hand + step) % length;
      if (this.#entries[place]?.bucket.isFull(atMs) === true) return place;
    }
    return undefined;
  }

  #takeNew(atMs: number, name: string, cost: number): boolean {
    const { length } = this.#entries;
    const place = length < this.#maxKeys ? length : this.#forgettable(atMs);
    if (place === undefined) {
      if (!this.#overflow.take(atMs, cost)) return false;
      this.#hand = (this.#hand + SWEEP) % length;
      return true;
    }
    const bucket = this.#makeBucket(name);
    if (!bucket.take(atMs, cost)) return false;
    this.#keep(place, { key: detached(name), bucket });
    return true;
  }

  #keep(place: number, entry: Entry): void {
    const forgotten = this.#entries[place];
    if (forgotten !== undefined) {
      this.#buckets.delete(forgotten.key);
      this.#hand = (place + 1) % this.#maxKeys;
    }
    this.#entries[place] = entry;
    this.#buckets.set(entry.key, entry.bucket);
  }
}
