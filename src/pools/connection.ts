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

/** How the transaction of a borrower begins. */
export interface BeginOptions extends TransactionOptions {
  /**
   * Whether it is to hold all that follows: when a statement has ended it by the way, those after it are refused rather
   * than committed one by one. Default false: the borrower steers it.
   */
  readonly unbroken?: boolean;
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
  /** True while nothing runs and its server answered so lately that {@link beginWith} may open a transaction. */
  readonly fresh: boolean;
  /**
   * Runs one statement.
   *
   * @param limitMs - Bound for the server, in milliseconds (at least 1); rounded up to the pool's next step outside a
   *   transaction. `undefined` means no bound.
   * @throws The driver's own error; its pool's `classify` names its kind.
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
  begin(limitMs: number | undefined, options?: BeginOptions): Promise<void>;
  /**
   * Opens such a transaction and runs its first statement, both in one message: a round trip less.
   *
   * @returns `undefined`, having done nothing, where that is not to be had: for this statement, now, or with this engine.
   *   The transaction is open unless the statement fails and {@link inTransaction} is false then.
   */
  beginWith<Row = Record<string, unknown>>(
    text: string,
    values: readonly unknown[] | undefined,
    limitMs: number | undefined,
    options?: BeginOptions,
  ): Promise<QueryResult<Row>> | undefined;
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
