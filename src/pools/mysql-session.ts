import type { BeginOptions, QueryResult } from './contract.js';
import { EngineSession, type SessionParts } from './engine-session.js';
import { ImplicitCommitError } from './implicit-commit.js';
import { isLimited, limitStepMs } from './limit-steps.js';
import type { MysqlRestorer } from './mysql-restorer.js';
import { MysqlSessionEnd } from './mysql-session-end.js';
import type { MysqlWire } from './mysql-wire.js';
import type { SessionLimitValue } from './session-limit.js';
import { SignsOfLife } from './signs-of-life.js';
import { BEGIN, beginUnder, COMMIT, type Terms } from './statement.js';
import { answered, type TransactionStatus } from './statement-wire.js';
import { isolationLevel } from './transaction-options.js';

/** Where a statement has committed by the way, as those that change tables do, there is nothing left to do. */
const COMMIT_BEGUN: Terms = { ...COMMIT, refusal: () => undefined };

/** Sent after the end, a statement would be committed by itself. */
const refuseBroken = (status: TransactionStatus): Error | undefined =>
  status === 'I' ? new ImplicitCommitError() : undefined;

const ALWAYS: Terms = { leavesTrace: false, commits: false };

/** What a session of MySQL or MariaDB is made of. */
export interface MysqlSessionParts extends SessionParts {
  readonly wire: MysqlWire;
  readonly restorer: MysqlRestorer;
  readonly waitTimeoutMs: number;
}

/** One session of MySQL or MariaDB. */
export class MysqlSession extends EngineSession {
  readonly ending: MysqlSessionEnd;
  readonly #wire: MysqlWire;
  readonly #restorer: MysqlRestorer;
  /** {@link begin} has succeeded, and its end was not asked for; a statement may have ended it by the way. */
  #begun = false;
  /** Nothing may follow when a statement has ended it by the way. */
  #unbroken = false;

  constructor(id: number, parts: MysqlSessionParts) {
    super(id, parts);
    const { wire, line, clock, waitTimeoutMs, nothing } = parts;
    this.#wire = wire;
    this.#restorer = parts.restorer;
    const life = new SignsOfLife({
      clock,
      waitTimeoutMs,
      wire,
      line,
      // In its turn, so that a borrower who comes meanwhile waits for it.
      give: () => line.submit(nothing, undefined, ALWAYS),
      onSilent: (error) => this.ending.lose(error),
    });
    this.ending = new MysqlSessionEnd(this, parts, life);
  }

  override get clean(): boolean {
    return super.clean && !this.#begun;
  }

  begin(limitMs: number | undefined, options: BeginOptions | undefined): Promise<void> {
    const terms = beginUnder(limitOf(limitMs));
    const text = options?.readOnly === true ? 'START TRANSACTION READ ONLY' : 'START TRANSACTION';
    const begun = (): void => {
      this.#begun = true;
      this.#unbroken = options?.unbroken === true;
    };
    const start = (): Promise<void> => this.line.submit(text, undefined, terms).then(begun);
    if (options?.isolation === undefined) return start();
    // It holds for the next transaction only.
    const isolation = `SET TRANSACTION ${isolationLevel(options.isolation)}`;
    return this.line.submit(isolation, undefined, BEGIN).then(start);
  }

  override commit(): Promise<boolean> {
    const terms = this.#begun && !this.#unbroken ? COMMIT_BEGUN : COMMIT;
    this.#ended();
    return super.commit(terms);
  }

  override rollback(): Promise<void> {
    this.#ended();
    return super.rollback();
  }

  protected run<Row>(
    text: string,
    values: readonly unknown[] | undefined,
    limitMs: number | undefined,
  ): Promise<QueryResult<Row>> {
    const { leavesTrace, commits } = this.parts.natures.of(text);
    if (leavesTrace) this.#restorer.note(text);
    const terms = { leavesTrace, commits, limit: limitOf(limitMs) };
    return this.line.submit(text, values, this.#unbroken ? { ...terms, refusal: refuseBroken } : terms);
  }

  #ended(): void {
    this.#begun = false;
    this.#unbroken = false;
  }

  protected async cleanUp(): Promise<void> {
    this.#ended();
    if (this.line.dirty) await this.#restorer.restore();
    else if (this.inTransaction) await this.line.roundTrip('ROLLBACK');
  }

  protected isReadOnly(): Promise<boolean> {
    return this.#restorer.isReadOnly();
  }

  protected ask(): Promise<unknown> {
    return answered((answer) => this.#wire.ping(answer));
  }
}

function limitOf(limitMs: number | undefined): SessionLimitValue {
  return isLimited(limitMs) ? limitStepMs(limitMs) : 'default';
}
