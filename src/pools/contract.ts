import type { PriorityRank } from '../core/priority.js';
import type { Connection, FailureKind } from './connection.js';
import type { LoginChange, RotateOptions } from './login.js';
import type { OpeningStage } from './session.js';

export type { BeginOptions, Connection, FailureKind, QueryResult, TransactionOptions } from './connection.js';

/** Who asks for a connection. */
export interface AcquireRequest {
  /** The instant after which the connection is of no use. `Infinity` waits without bound. */
  readonly deadlineAtMs: number;
  /** Waiting borrowers are served class by class, most important first, oldest first within a class. */
  readonly rank: PriorityRank;
}

/** Whether a pool can serve: `up`; `down` while its server cannot be reached; `closed` for good. */
export type PoolState = 'up' | 'down' | 'closed';

/** What a pool tells its owner, after its own state is complete. */
export interface PoolListener {
  /**
   * The server cannot be reached, or sessions were lost. Called once per outage.
   *
   * @param leaving - The server is about to stop, and waits for all sessions to end.
   */
  onDown(nowMs: number, error: unknown, leaving: boolean): void;
  /** The server answers again, or for the first time. */
  onUp(nowMs: number): void;
  /** The server gives so many sessions of `max` at present. Called when that changes. */
  onGranted(nowMs: number, granted: number): void;
  /** A session was opened, which took so long. */
  onOpened?(tookMs: number): void;
  /** Something to log; `code` is stable, `message` names no secret. */
  onWarning(code: string, message: string): void;
}

/** Figures of a pool at one instant. */
export interface PoolGauges {
  readonly state: PoolState;
  readonly max: number;
  /** Of `max`, how many the server was found to give: less after it refused one more for want of room. */
  readonly granted: number;
  /** Open sessions, lent or not. */
  readonly total: number;
  readonly idle: number;
  readonly inUse: number;
  /** Sessions being opened. */
  readonly connecting: number;
  /** Sessions being cleaned or validated. */
  readonly cleaning: number;
  /** Borrowers waiting for a connection. */
  readonly acquiring: number;
  /** Since the start: sessions opened, attempts that failed, sessions lost, cancels sent. */
  readonly opened: number;
  readonly connectFailures: number;
  /** Of the attempts that failed, those for which this process or host had no descriptor, local port or memory. */
  readonly localShortages: number;
  readonly lost: number;
  readonly cancels: number;
  /** Borrowers whose deadline came before a session, since the start. */
  readonly acquireTimeouts: number;
}

/**
 * A bounded set of sessions on one server: the same contract for every engine. The driver's own waiting line stays
 * empty.
 */
export interface ConnectionPool {
  readonly name: string;
  /** Sessions at most, at present: see {@link ConnectionPool.resize}. */
  readonly max: number;
  readonly state: PoolState;
  /** A pooler is known to hand its sessions on between transactions. */
  readonly shared: boolean;
  /** The instant at which the present outage began; `undefined` while up. */
  readonly downSinceMs: number | undefined;
  /** What the eldest attempt to connect waits for; `undefined` while none is under way. */
  readonly connectStage: OpeningStage | undefined;
  /** A connection that is free right now, or `undefined`. Never waits, never opens one. */
  tryAcquire(): Connection | undefined;
  /**
   * A connection, as soon as one is free; new ones are opened in the background, up to `max`. Waits an outage out.
   *
   * @throws {@link AcquireTimeoutError} at the deadline, {@link PoolClosedError} once the pool is closing,
   *   {@link OutageGivenUpError} after {@link ConnectionPool.giveUp}.
   */
  acquire(request: AcquireRequest): Promise<Connection>;
  /** Refuses those of these requests that wait: its owner waits no longer for a server that is away. */
  giveUp(requests: ReadonlySet<AcquireRequest>): void;
  /** What kind of failure an error of this engine is. */
  classify(error: unknown): FailureKind;
  gauges(): PoolGauges;
  /**
   * Something speaks against the server: asks sessions that are idle, or opens one where there is none, and goes down
   * when no answer comes. Nobody is cut. Does nothing while down.
   */
  doubt(): void;
  /**
   * Replaces every session that is open or being opened now: idle ones at once, lent ones when they come back. Nobody
   * is cut. For a new address, new credentials or a server that changed its role.
   */
  recycle(): void;
  /**
   * Changes how many sessions there may be. Fewer: surplus ones end at once where they are idle, else when they come
   * back; nobody is cut, and until then there are more. With 0 nothing is opened, and borrowers wait.
   *
   * @param max - A whole number, 0 to what the pool was made with.
   * @throws RangeError for any other.
   */
  resize(max: number): void;
  /**
   * Changes the login. The new one is tried first, on a session of its own that may be one more than `max`; from then
   * on every session is opened with it, those being opened now included. Sessions of before serve on until others have
   * come in their place, one after the other; where the login leads to another server or database, they end as after
   * {@link recycle}. Within a bound all of them end where they are to be expelled. Resolves when none of them is left.
   *
   * @throws LoginSettingError, RotationRefusedError: nothing has changed then. {@link PoolClosedError}.
   */
  rotate(change: LoginChange, options?: RotateOptions): Promise<void>;
  /**
   * Refuses new borrowers, waits for the lent connections until `deadlineAtMs`, then cancels and destroys them, and
   * closes every socket. Resolves when all sockets are closed; never rejects. Calling it again returns the same promise.
   */
  close(deadlineAtMs: number): Promise<void>;
}

/** No connection came free before the borrower's deadline. */
export class AcquireTimeoutError extends Error {
  override readonly name = 'AcquireTimeoutError';
  constructor(pool: string) {
    super(`no connection of pool "${pool}" came free within the time left`);
  }
}

/** The server has been away for so long that the borrower was refused. */
export class OutageGivenUpError extends Error {
  override readonly name = 'OutageGivenUpError';
  constructor(pool: string) {
    super(`the server of pool "${pool}" has been away for longer than anybody waits for it`);
  }
}

/**
 * A statement answered with more than the pool lets one answer have. Its session was ended, and a transaction with it;
 * whether a statement of its own that writes has taken effect is not known.
 */
export class ResultTooLargeError extends Error {
  override readonly name = 'ResultTooLargeError';
  /** What `maxResultBytes` allows. */
  readonly maxBytes: number;

  constructor(pool: string, maxBytes: number) {
    super(
      `a statement on pool "${pool}" answered with more than ${maxBytes} bytes (maxResultBytes) and was stopped: select ` +
        'less, read it in pieces (LIMIT, or a cursor within a transaction), or raise maxResultBytes',
    );
    this.maxBytes = maxBytes;
  }
}

/** The pool is closing or closed. */
export class PoolClosedError extends Error {
  override readonly name = 'PoolClosedError';
  constructor(pool: string) {
    super(`pool "${pool}" is closed`);
  }
}
