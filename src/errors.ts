/** Why Sluice refused or ended a request. A closed set: a `switch` over it can be exhaustive. */
export const ERROR_CODES = [
  'rate_limited',
  'queue_full',
  'displaced',
  'deadline_unreachable',
  'deadline_expired',
  'breaker_open',
  'database_unavailable',
  'connection_lost',
  'database_busy',
  'fleet_limited',
  'overloaded',
  'draining',
  'outside_window',
] as const;

/** See {@link ERROR_CODES}. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/**
 * What became of the request's work in the database: `not_started` and `rolled_back` make a retry safe, `unknown` means
 * that it may have taken effect. `unknown` as well of a handler that ran without a pool, or was in `outside()`: what it
 * did elsewhere nobody here can tell.
 */
export type Outcome = 'not_started' | 'rolled_back' | 'unknown';

/** What was measured when a decision was taken: milliseconds, counts or names, never a secret. */
export type Measured = Readonly<Record<string, number | string>>;

/**
 * A decision to shed, as plain data. Refusals are made by the thousand under overload, so they are values rather
 * than errors: nothing is thrown and no stack is captured.
 */
export interface Refusal {
  readonly code: ErrorCode;
  /** 503 for what the server cannot do now, 429 for what one caller overdid, 504 after dispatch. */
  readonly status: 429 | 503 | 504;
  readonly outcome: Outcome;
  /** One sentence for a person: what happened and what would help. */
  readonly detail: string;
  /** When waiting helps: how long, in milliseconds. */
  readonly retryAfterMs?: number;
  readonly measured?: Measured;
}

const BRAND = Symbol.for('sluice.error');

/** What {@link SluiceError} is made of. */
export interface SluiceErrorInit extends Refusal {
  readonly cause?: unknown;
}

/** A refusal or a failure of Sluice as an error, for code that throws: `gateway.run` and the request's database. */
export class SluiceError extends Error implements Refusal {
  override readonly name = 'SluiceError';
  readonly code: ErrorCode;
  readonly status: 429 | 503 | 504;
  readonly outcome: Outcome;
  readonly retryAfterMs?: number;
  readonly measured?: Measured;

  constructor(init: SluiceErrorInit) {
    super(init.detail, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = init.code;
    this.status = init.status;
    this.outcome = init.outcome;
    if (init.retryAfterMs !== undefined) this.retryAfterMs = init.retryAfterMs;
    if (init.measured !== undefined) this.measured = init.measured;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** The same text as `message`, under the name that {@link Refusal} gives it. */
  get detail(): string {
    return this.message;
  }
}

/** Whether a value is a {@link SluiceError}, also one from another copy of this package. */
export function isSluiceError(value: unknown): value is SluiceError {
  return typeof value === 'object' && value !== null && BRAND in value;
}
