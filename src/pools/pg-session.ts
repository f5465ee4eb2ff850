import type pg from 'pg';
import type { Clock, Timer } from '../clock.js';
import { beginText } from './begin-text.js';
import { sendCancelRequest } from './cancel-request.js';
import type { QueryResult, TransactionOptions } from './contract.js';
import { limitStepMs } from './limit-steps.js';
import { cancelTargetOf, streamOf } from './pg-client.js';
import { ConnectionEndedError, StatementStoppedError } from './pg-errors.js';
import { PgWire, type TransactionStatus } from './pg-wire.js';
import type { Session, SessionOwner } from './session.js';
import { SessionLimit, type SessionLimitValue } from './session-limit.js';
import type { StatementNature, StatementNatures } from './session-trace.js';
import { timeLimit } from './time-limit.js';

/** From the call to cancel, or to restore, until the session must be certain of its state. */
const CERTAINTY_LIMIT_MS = 1_000;
/** For the server to hang up after a goodbye. */
const GOODBYE_LIMIT_MS = 500;

/** What a statement asks of its session. */
interface Terms extends StatementNature {
  /** What the session's limit has to be; `undefined` leaves it as it is. */
  readonly limit?: SessionLimitValue;
  /** Why it cannot run in this state of the transaction, if so. */
  readonly refusal?: (status: TransactionStatus) => Error | undefined;
}

/** One statement of the borrower. */
interface Statement {
  readonly text: string;
  readonly values: readonly unknown[] | undefined;
  readonly terms: Terms;
  readonly resolve: (result: QueryResult<never>) => void;
  readonly reject: (error: unknown) => void;
  /** A cancel was asked for. */
  stopped: boolean;
  /** It is on the server, not merely its limit. */
  sent: boolean;
}

const BEGIN: Terms = {
  leavesTrace: false,
  commits: false,
  refusal: (status) =>
    status === 'I' ? undefined : new Error('a transaction is open already: commit or roll it back first'),
};
const COMMIT: Terms = {
  leavesTrace: false,
  commits: true,
  // The server would only warn, and the caller would believe that its work was done.
  refusal: (status) => (status === 'I' ? new Error('no transaction is open: nothing to commit') : undefined),
};
/** Nothing is gained by cancelling it, and it must not fail. */
const ROLLBACK: Terms = { leavesTrace: false, commits: true };

/** What the sessions of one pool share. */
export interface PgSessionContext {
  readonly clock: Clock;
  readonly owner: SessionOwner;
  readonly natures: StatementNatures;
}

/**
 * One PostgreSQL session. Statements run strictly one after the other, in the order of the calls.
 *
 * A cancel is aimed at a session, not at a statement, and may arrive late. After one, nothing is sent until its socket
 * is closed, its victim has settled, and one empty round trip has caught a late arrival.
 */
export class PgSession implements Session {
  readonly id: number;
  readonly wire: PgWire;
  readonly #client: pg.Client;
  readonly #context: PgSessionContext;
  readonly #limit = new SessionLimit();
  readonly #queue: Statement[] = [];
  #current: Statement | undefined;
  /** A cancel is not over yet. */
  #stopping = false;
  /** The borrower may have left something in the session. */
  #dirty = false;
  /** `undefined` while the session lives; afterwards what its statements are told. */
  #ended: Error | undefined;
  #closed = false;
  #quietWaiters: (() => void)[] = [];
  #lastCancel: Promise<void> | undefined;
  #goodbye: Timer | undefined;

  /** @param client - Connected; its events are to be passed to `wire`, {@link onError} and {@link onEnd}. */
  constructor(id: number, client: pg.Client, context: PgSessionContext) {
    this.id = id;
    this.wire = new PgWire(client, (error) => this.onError(error));
    this.#client = client;
    this.#context = context;
  }

  get alive(): boolean {
    return this.#ended === undefined;
  }

  get busy(): boolean {
    return this.#current !== undefined;
  }

  get inTransaction(): boolean {
    return this.wire.status !== 'I';
  }

  get clean(): boolean {
    return this.#isQuiet && !this.#dirty && this.wire.status === 'I' && this.#ended === undefined;
  }

  query<Row>(
    text: string,
    values: readonly unknown[] | undefined,
    limitMs: number | undefined,
  ): Promise<QueryResult<Row>> {
    if (typeof text !== 'string') return Promise.reject(new TypeError('text must be a string of SQL'));
    if (values !== undefined && !Array.isArray(values)) {
      return Promise.reject(new TypeError('values must be an array of parameters, or undefined'));
    }
    const limit = limitMs === undefined || limitMs === Number.POSITIVE_INFINITY ? 'default' : limitStepMs(limitMs);
    const { leavesTrace, commits } = this.#context.natures.of(text);
    return this.#submit(text, values, { limit, leavesTrace, commits });
  }

  async begin(limitMs: number | undefined, options: TransactionOptions | undefined): Promise<void> {
    await this.#submit(beginText(limitMs, options), undefined, BEGIN);
  }

  async commit(): Promise<boolean> {
    const { command } = await this.#submit('COMMIT', undefined, COMMIT);
    return command === 'COMMIT';
  }

  async rollback(): Promise<void> {
    if (this.#isQuiet && this.wire.status === 'I') return;
    await this.#submit('ROLLBACK', undefined, ROLLBACK);
  }

  cancel(): void {
    const victim = this.#current;
    if (victim === undefined || victim.stopped || victim.terms.commits) return;
    victim.stopped = true;
    // A statement whose limit is still being set is simply not sent.
    if (victim.sent) this.#stop();
  }

  async restore(): Promise<boolean> {
    const limit = timeLimit(this.#context.clock, CERTAINTY_LIMIT_MS, () => this.destroy());
    try {
      this.#refuseQueued(new Error('the connection was released before this statement was sent'));
      this.cancel();
      await this.#quiet();
      if (this.wire.status !== 'I') await this.#roundTrip('ROLLBACK');
      if (this.#dirty) {
        await this.#roundTrip('DISCARD ALL');
        this.#dirty = false;
        this.#limit.changed('default');
      }
    } catch {
      this.destroy();
    } finally {
      limit.cancel();
    }
    if (!this.clean) this.destroy();
    return this.alive;
  }

  async validate(limitMs: number): Promise<boolean> {
    const limit = timeLimit(this.#context.clock, limitMs, () => this.#lose(new ConnectionEndedError(NO_ANSWER)));
    try {
      await this.#roundTrip('');
    } catch (error) {
      this.#lose(error);
    } finally {
      limit.cancel();
    }
    return this.alive;
  }

  retire(): void {
    this.#leave(new ConnectionEndedError('the connection was closed'));
  }

  destroy(): void {
    // A closed socket alone stops nothing: the server would run the statement to its end and keep its locks.
    const victim = this.#ended === undefined ? this.#current : undefined;
    if (victim?.sent === true && !victim.terms.commits && !this.#stopping) void this.#sendCancel();
    this.#leave(new ConnectionEndedError('the connection was destroyed'));
  }

  /** The driver reported an error of the session itself; it may do so more than once. */
  onError(error: unknown): void {
    this.#lose(error);
  }

  /** The socket is closed. */
  onEnd(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#goodbye?.cancel();
    this.#lose(new Error('Connection terminated unexpectedly'));
    // The place is free once nothing of this session is left on the server either.
    if (this.#lastCancel === undefined) this.#context.owner.onClosed(this);
    else void this.#lastCancel.then(() => this.#context.owner.onClosed(this));
  }

  get #isQuiet(): boolean {
    return this.#current === undefined && !this.wire.sending && !this.#stopping && this.#queue.length === 0;
  }

  #submit<Row>(text: string, values: readonly unknown[] | undefined, terms: Terms): Promise<QueryResult<Row>> {
    return new Promise<QueryResult<Row>>((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      const settle = resolve as (result: QueryResult<never>) => void;
      const statement: Statement = { text, values, terms, resolve: settle, reject, stopped: false, sent: false };
      if (this.#isQuiet) this.#start(statement);
      else this.#queue.push(statement);
    });
  }

  #start(statement: Statement): void {
    this.#current = statement;
    const { limit, refusal } = statement.terms;
    const refused = refusal?.(this.wire.status);
    if (refused !== undefined) {
      this.#settle(statement, refused, undefined);
      return;
    }
    // Inside a transaction the limit is the transaction's own, and a SET would be undone by its rollback.
    const change = limit === undefined || this.inTransaction ? undefined : this.#limit.changeTo(limit);
    if (limit === undefined || change === undefined) {
      this.#run(statement);
      return;
    }
    this.wire.send(change, undefined, (error) => {
      if (error === undefined) this.#limit.changed(limit);
      if (error !== undefined) this.#settle(statement, error, undefined);
      else if (statement.stopped) this.#settle(statement, new StatementStoppedError(), undefined);
      else this.#run(statement);
    });
  }

  #run(statement: Statement): void {
    statement.sent = true;
    if (statement.terms.leavesTrace) {
      this.#dirty = true;
      this.#limit.doubt();
    }
    this.wire.send(statement.text, statement.values, (error, result) => this.#settle(statement, error, result));
  }

  #settle(statement: Statement, error: unknown, result: QueryResult<never> | undefined): void {
    this.#current = undefined;
    if (result === undefined) statement.reject(error);
    else statement.resolve(result);
    this.#next();
  }

  #next(): void {
    if (this.#stopping || this.#current !== undefined || this.#ended !== undefined) return;
    const statement = this.#queue.shift();
    if (statement === undefined) this.#tellQuiet();
    else this.#start(statement);
  }

  /** Resolves when nothing runs or is queued any more, or the session has ended. */
  #quiet(): Promise<void> {
    if (this.#isQuiet || this.#ended !== undefined) return Promise.resolve();
    return new Promise((resolve) => this.#quietWaiters.push(resolve));
  }

  #tellQuiet(): void {
    for (const resume of this.#quietWaiters.splice(0)) resume();
  }

  /** A message of our own, while the session is quiet. */
  #roundTrip(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) reject(this.#ended);
      else this.wire.send(text, undefined, (error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  #stop(): void {
    this.#stopping = true;
    const limit = timeLimit(this.#context.clock, CERTAINTY_LIMIT_MS, () => this.destroy());
    const settled = new Promise<void>((resolve) => this.wire.whenComplete(resolve));
    void Promise.all([this.#sendCancel(), settled])
      // The empty statement may itself be hit by the late cancel; that it came back is all that counts.
      .then(() => this.#roundTrip('').catch(() => undefined))
      .then(() => {
        limit.cancel();
        this.#stopping = false;
        this.#next();
      });
  }

  #sendCancel(): Promise<void> {
    const { owner, clock } = this.#context;
    owner.onCancelSent();
    this.#lastCancel = sendCancelRequest(cancelTargetOf(this.#client), clock, CERTAINTY_LIMIT_MS);
    return this.#lastCancel;
  }

  #refuseQueued(error: Error): void {
    for (const statement of this.#queue.splice(0)) statement.reject(error);
  }

  /** The session ended although nobody asked. */
  #lose(error: unknown): void {
    if (this.#ended !== undefined) return;
    const cause = this.wire.lastError ?? error;
    this.#end(cause instanceof Error ? cause : new ConnectionEndedError(NO_ANSWER));
    this.#hangUp();
    this.#context.owner.onLost(this, cause);
  }

  /** Ends our side. The server hangs up once nothing of the session is left there; only then is its place free. */
  #leave(error: Error): void {
    if (this.#ended !== undefined) return;
    this.#end(error);
    this.#goodbye = timeLimit(this.#context.clock, GOODBYE_LIMIT_MS, () => this.#hangUp());
    this.#client.connection.end();
  }

  #end(error: Error): void {
    this.#ended = error;
    this.wire.fail(error);
    this.#refuseQueued(error);
    this.#tellQuiet();
  }

  #hangUp(): void {
    streamOf(this.#client).destroy();
  }
}

const NO_ANSWER = 'the database did not answer in time';
