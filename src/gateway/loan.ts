import type { BreakerPass, Verdict } from '../breaker/pool-breaker.js';
import type { Clock } from '../clock.js';
import type { BeginOptions, Connection } from '../pools/contract.js';
import { sqlStateOf } from './failures.js';
import { TransactionStart } from './transaction-start.js';

/** One connection in the hands of one request, and what the breaker will be told about it. */
export class Loan {
  readonly connection: Connection;
  /** When the connection was lent. */
  readonly sinceMs: number;
  readonly #pass: BreakerPass | undefined;
  readonly #clock: Clock;
  #unanswered = 0;
  /** Who waits until that is 0. */
  #onAnswered: (() => void) | undefined;
  /** True from sending COMMIT to its answer. */
  committing = false;
  /** The handler asked for a transaction that refuses writes, by an option or in a statement. */
  readOnly = false;
  /** Its transaction is `transaction()`'s, which leaves the rollback to the return. */
  endsItself = false;
  /** How its transaction begins; absent once it is open, and where it was open from the start. */
  start: TransactionStart | undefined;
  /** Gets its work another connection; absent where the server may have heard of that work. */
  replace: (() => Promise<Loan>) | undefined;
  /** A statement of its transaction may have committed what came before, and nobody can tell. */
  opaque = false;
  /** It is in the handler's own hands, and comes back when the handler gets that far. */
  handed = false;
  /** True once the connection is on its way back. */
  returned = false;
  /** Resolves when the connection is idle again or destroyed; absent before it is given back. */
  back: Promise<void> | undefined;
  /** A statement was stopped after it had used up much of the time allowed. */
  slow = false;
  /** When the present or last statement was sent. */
  statementSinceMs = 0;
  /** The first error of a statement, for the report of a COMMIT that becomes a rollback. */
  failedWith: unknown;
  verdict: Verdict = 'neutral';

  constructor(connection: Connection, pass: BreakerPass | undefined, clock: Clock, sinceMs: number) {
    this.connection = connection;
    this.sinceMs = sinceMs;
    this.#pass = pass;
    this.#clock = clock;
  }

  /** Lets the first statement of its transaction open it. */
  beginLater(options: BeginOptions): void {
    this.start = new TransactionStart(this.connection, options, () => {
      this.start = undefined;
      this.replace = undefined;
    });
  }

  /** Statements of its transaction that are not answered yet. */
  get unanswered(): number {
    return this.#unanswered;
  }

  /** Whether its work is a single statement so far: whatever else was asked of it has failed with it, or will. */
  get alone(): boolean {
    return this.#unanswered <= 1 && this.failedWith === undefined;
  }

  /** Its transaction was asked something. */
  asked(answer: Promise<unknown>): void {
    this.#unanswered += 1;
    const ended = (): void => {
      this.#unanswered -= 1;
      if (this.#unanswered === 0) this.#onAnswered?.();
    };
    answer.then(ended, ended);
  }

  /** Resolves when all that its transaction was asked is answered. */
  answered(): Promise<void> {
    return new Promise((resolve) => {
      this.#onAnswered = resolve;
    });
  }

  /** Whether this is a write that the transaction's own terms refuse, and no sign of a read-only server. */
  refusesWrite(error: unknown): boolean {
    return this.readOnly && sqlStateOf(error) === '25006';
  }

  /** Whether its handler leaves something in the session that has to be undone before it is lent again. */
  get leavesTrace(): boolean {
    const { alive, clean, inTransaction } = this.connection;
    if (clean || !alive || (this.endsItself && inTransaction)) return false;
    // A session whose server takes no writes is looked into, which is not the handler's doing.
    return sqlStateOf(this.failedWith) !== '25006';
  }

  /** Its transaction has ended although nobody asked: a statement has committed it by the way. */
  get brokenOff(): boolean {
    const { alive, inTransaction } = this.connection;
    const open = this.endsItself && this.start === undefined && !this.committing && !this.returned;
    return open && alive && !inTransaction;
  }

  /** Whether the handler has it, and lets it rest. */
  get keptInHand(): boolean {
    return this.handed && !this.returned && !this.connection.busy;
  }

  /** For how long nothing has been sent on it, in milliseconds. */
  idleMs(nowMs: number): number {
    return nowMs - Math.max(this.sinceMs, this.statementSinceMs);
  }

  /** Whether a statement that is stopped now speaks against the database rather than against a short budget. */
  tookLong(nowMs: number, deadlineMs: number): boolean {
    return nowMs - this.statementSinceMs >= deadlineMs / 2;
  }

  /** Its work is, or would be, stopped now: keeps whether a statement was slow. */
  stopped(nowMs: number, deadlineMs: number): void {
    this.slow = this.connection.busy && this.tookLong(nowMs, deadlineMs);
  }

  /** Tells the breaker how it went. */
  settle(): void {
    this.#pass?.settle(this.slow ? 'slow' : this.verdict, this.#clock.nowMs());
  }
}
