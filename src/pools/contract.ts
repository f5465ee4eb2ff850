import type { PriorityRank } from '../core/priority.js';
import type { LoginChange, RotateOptions } from './login.js';

/** The rows of one statement. */
export interface QueryResult<Row = Record<string, unknown>> {
  readonly rows: Row[];
  /** Rows returned or changed; `null` where the server does not say. */
  readonly rowCount: number | null;
  /** The command that ran, for example `SELECT`, `INSERT` or `ROLLBACK`. */
  readonly command: string;
  /** The number that the server gave to the first new row; MySQL and MariaDB only, and only where there is one. */
  readonly insertId?: number;
}

/** How a transaction begins. */
export interface TransactionOptions {
  /** Defaults to the server's own default. */
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable';
  /** Refuses writes when true. Default false. */
  readonly readOnly?: boolean;
}

/** What became of a connection attempt, a statement or a connection: the words in which pools speak of failure. */
export type FailureKind =
  /** The socket or the session is gone, or could not be made. */
  | 'connection_lost'
  /** The server works and says that it cannot serve this now: 55P03, 53xxx, 25006, 57P03. */
  | 'database_busy'
  /** Contention between transactions: 40001, 40P01. A retry of the whole transaction is safe. */
  | 'contention'
  /** The statement was stopped: by a cancel, or by the server's own limit. */
  | 'cancelled'
  /** The server is ill while connected: 58xxx, XXxxx. */
  | 'server_fault'
  /** Everything else the database answers: constraint, syntax, data. The application's own business. */
  | 'application';

/**
 * One server session, lent to one borrower. The pool that lent it owns it; the borrower may only call these methods,
 * one statement at a time in the order of the calls. No method blocks the process or throws synchronously.
 */
export interface Connection {
  /** Identifies the session for logs; unique within the process. */
  readonly id: number;
  /** True while a statement runs on the server. */
  readonly busy: boolean;
  /** True between a successful {@link begin} and the end of its commit or rollback. */
  readonly inTransaction: boolean;
  /** False once the socket is gone or {@link destroy} was called. */
  readonly alive: boolean;
  /** True while nothing of its borrower would have to be undone before somebody else gets it. */
  readonly clean: boolean;
  /**
   * Runs one statement.
   *
   * @param limitMs - Bound for the server, in milliseconds (at least 1); rounded up to the pool's next step outside a
   *   transaction. `undefined` means no bound.
   * @throws The driver's own error; {@link ConnectionPool.classify} names its kind.
   */
  query<Row = Record<string, unknown>>(
    text: string,
    values: readonly unknown[] | undefined,
    limitMs: number | undefined,
  ): Promise<QueryResult<Row>>;
  /**
   * Opens a transaction whose statements the server bounds by `limitMs`, rounded up to the pool's next step where the
   * session stands under that already; in one round trip, but for now and then.
   */
  begin(limitMs: number | undefined, options?: TransactionOptions): Promise<void>;
  /**
   * Commits. Resolves to `false` when the server answered with a rollback, because an earlier statement of the
   * transaction had failed.
   */
  commit(): Promise<boolean>;
  rollback(): Promise<void>;
  /**
   * Asks the server to stop the running statement. Does nothing while no statement runs or once COMMIT was sent. The
   * statement's own promise tells the end; the connection is not lent again before it is certain that the cancel can
   * touch nothing else.
   */
  cancel(): void;
  /**
   * Gives the connection back. Whatever was left open is rolled back and the session cleaned before anybody else gets
   * it; with a statement still running it is cancelled first; in doubt the connection is destroyed. A second call
   * does nothing.
   *
   * @returns A promise that resolves when the connection is idle again or destroyed. It never rejects.
   */
  release(): Promise<void>;
  /** Ends the socket at once. The running statement, if any, rejects. */
  destroy(): void;
}

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
  /** A connection that is free right now, or `undefined`. Never waits, never opens one. */
  tryAcquire(): Connection | undefined;
  /**
   * A connection, as soon as one is free; new ones are opened in the background, up to `max`. Waits an outage out.
   *
   * @throws {@link AcquireTimeoutError} at the deadline, {@link PoolClosedError} once the pool is closing.
   */
  acquire(request: AcquireRequest): Promise<Connection>;
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
   * on every session is opened with it, those being opened now included. Sessions of before end as after
   * {@link recycle}, or within a bound where they are to be expelled. Resolves when none of them is left.
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
