import { nearestName } from '../core/nearest.js';
import { requireNumber } from '../core/numbers.js';
import type { TransactionOptions } from '../pools/contract.js';

/** How often and how soon a transaction that met a conflicting one is tried again. */
export interface RetryOptions {
  /** Tries in all, the first included: a whole number from 2 to 10. Default 3. */
  readonly attempts?: number;
  /**
   * Longest wait before the second try, in ms, above 0 up to 10,000; it doubles with each further one, up to a second.
   * The wait is drawn between 0 and that. Default 20.
   */
  readonly backoffMs?: number;
}

/** How a transaction of a request begins, and whether it may be run again. */
export interface RetryableTransactionOptions extends TransactionOptions {
  /**
   * Declares that the whole function may be run again, with whatever it does outside the database: after a
   * serialisation failure (`40001`, also where only COMMIT meets it) or a deadlock (`40P01`), and after nothing else.
   * Default false.
   */
  readonly retry?: boolean | RetryOptions;
}

const LONGEST_BACKOFF_MS = 1_000;

/** {@link RetryOptions} with every field, checked. */
export interface RetryPlan {
  readonly attempts: number;
  readonly backoffMs: number;
}

/**
 * The plan of a transaction that was declared repeatable; `undefined` for any other.
 *
 * @throws RangeError when a number is out of range.
 * @throws TypeError for what is neither a boolean nor {@link RetryOptions}, as code without types may give it.
 */
export function retryPlan(retry: boolean | RetryOptions | undefined): RetryPlan | undefined {
  if (retry === undefined || retry === false) return undefined;
  if (retry !== true) checkFields(retry);
  const { attempts = 3, backoffMs = 20 } = retry === true ? {} : retry;
  return {
    attempts: requireNumber('retry.attempts', attempts, { min: 2, max: 10, integer: true }),
    backoffMs: requireNumber('retry.backoffMs', backoffMs, { max: 10_000 }),
  };
}

const FIELDS = ['attempts', 'backoffMs'] as const;

function checkFields(retry: unknown): void {
  if (typeof retry !== 'object' || retry === null || Array.isArray(retry)) {
    const shown = typeof retry === 'string' ? JSON.stringify(retry) : showKind(retry);
    throw new TypeError(
      `retry is ${shown}: use true, false or an object with ${FIELDS.join(' and ')}, or leave it out`,
    );
  }
  const unknown = Object.keys(retry).find((name) => !FIELDS.some((known) => known === name));
  if (unknown === undefined) return;
  const meant = nearestName(unknown, FIELDS) ?? FIELDS.join('" or "');
  throw new TypeError(`retry has "${unknown}", which nobody reads: use "${meant}"`);
}

function showKind(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'function' ? 'a function' : String(value);
}

/**
 * How long to wait after so many tries (at least 1), in ms. Drawn from the whole range, because those that met each
 * other once would meet again after equal waits ("full jitter", M. Brooker, "Exponential Backoff And Jitter", 2015).
 *
 * @param drawn - Uniform in [0, 1).
 */
export function backoffAfter(tries: number, { backoffMs }: RetryPlan, drawn: number): number {
  return drawn * Math.min(Math.max(backoffMs, LONGEST_BACKOFF_MS), backoffMs * 2 ** (tries - 1));
}
