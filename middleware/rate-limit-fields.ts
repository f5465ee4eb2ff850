/** A bucket as its policy is told to clients. */
export interface BucketPolicy {
  /** Tokens per second, at least 0. */
  readonly refillPerSecond: number;
  /** Tokens in a full bucket, at least 0. */
  readonly burst: number;
}

/** The largest Integer of a Structured Field (RFC 9651 §3.3.1). */
const LARGEST_INTEGER = 999_999_999_999_999;

/**
 * The values of `RateLimit-Policy` and `RateLimit` for one bucket, in the form of draft-ietf-httpapi-ratelimit-headers
 * (10): a quota `q` that is the burst, over the `w` seconds in which an empty bucket fills up. Everything that follows
 * the draft is in this file. Values of several buckets are joined with `, `.
 */
export class RateLimitFields {
  /** The value of `RateLimit-Policy`; it never changes. */
  readonly policy: string;
  readonly #name: string;

  constructor(name: string, { refillPerSecond, burst }: BucketPolicy) {
    this.#name = quoted(name);
    const windowSeconds = burst / refillPerSecond;
    // A bucket that never fills up has no window to tell.
    const window = Number.isFinite(windowSeconds) ? `;w=${Math.max(1, integer(Math.ceil(windowSeconds)))}` : '';
    this.policy = `${this.#name};q=${integer(burst)}${window}`;
  }

  /**
   * The value of `RateLimit` at one instant.
   *
   * @param remaining - Tokens left; told in whole ones.
   * @param untilMoreMs - Until there is one more, in milliseconds; told in whole seconds, rounded up, so that nobody
   *   comes too early. Left out when it is 0 (the bucket is full) or infinite.
   */
  state(remaining: number, untilMoreMs: number): string {
    const value = `${this.#name};r=${integer(remaining)}`;
    const tells = untilMoreMs > 0 && untilMoreMs < Number.POSITIVE_INFINITY;
    return tells ? `${value};t=${integer(Math.ceil(untilMoreMs / 1_000))}` : value;
  }
}

function integer(value: number): number {
  return Math.min(LARGEST_INTEGER, Math.max(0, Math.floor(value) || 0));
}

/** A String of a Structured Field: printable ASCII, with quotes and backslashes escaped. */
function quoted(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]/gu, '_').replace(/["\\]/g, '\\$&')}"`;
}
