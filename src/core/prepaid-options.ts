import type { PrepaidBucket } from './prepaid-bucket.js';

/** Rate and capacity of a bucket that processes share. They are read each time: a stricter process may come or go. */
export interface BucketLimit {
  /** Tokens per second of all processes together, 0 or more. */
  readonly refillPerSecond: number;
  /** Capacity of all processes together, in tokens, above 0. */
  readonly burst: number;
}

/** How a {@link PrepaidBucket} shares a rate limit with the same bucket of other processes. */
export interface PrepaidBucketOptions {
  /** What holds, whoever asks for it. */
  readonly limit: BucketLimit;
  /** Part of its share of the rate that a process lives on while the ledger is away, above 0 up to 1. Default 1. */
  readonly awayFactor?: number | undefined;
  /** Processes that share the bucket as far as is known, at least 1. */
  readonly sharers: () => number;
  /** The ledger has to hear of the bucket: with the next batch, or, where it has run low, at once. */
  readonly onNews: (bucket: PrepaidBucket, urgent: boolean) => void;
}
