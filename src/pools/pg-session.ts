import type pg from 'pg';
import type { Clock, Timer } from '../clock.js';
import { beginText } from './begin-text.js';
import { sendCancelRequest } from './cancel-request.js';
import { type QueryResult, ResultTooLargeError, type TransactionOptions } from './contract.js';
import { isLimited, limitStepMs } from './limit-steps.js';
import { cancelTargetOf, streamOf } from './pg-client.js';
import { ConnectionEndedError, classifyPgError } from './pg-errors.js';
import { BEGIN, beginUnder, COMMIT, ROLLBACK } from './pg-statement.js';
import { PgWire } from './pg-wire.js';
import type { Session, SessionOwner } from './session.js';
import { SessionStateError } from './session-guard.js';
import type { SessionLimitValue } from './session-limit.js';
import type { StatementNatures } from './session-trace.js';
import { StatementLine } from './statement-line.js';
import { timeLimit } from './time-limit.js';

/** From the call to cancel, or to restore, until the session must be certain of its state. */
const CERTAINTY_LIMIT_MS = 1_000;
/** For the server to hang up after a goodbye. */
const GOODBYE_LIMIT_MS = 500;
/** The same for a server that was told to stop the session's statement, and has not. */
const STUCK_LIMIT_MS = 10_000;
/** Transactions one after the other with the same limit after which the session takes it on, for one more message. */
const SAME_STEPS = 4;

/** What the sessions of one pool share. */
export interface PgSessionContext {
  readonly clock: Clock;
  readonly owner: SessionOwner;
  readonly natures: StatementNatures;
  /** What the answer to one statement may have; `undefined` for no bound. */
  readonly resultBound: { readonly pool: string; readonly maxBytes: number } | undefined;
  /** The server goes on with a statement although it was told to stop. */
  onStuck(): void;
  /** A pooler hands the session on between transactions: then this is the bound of each wait for a lock, 0 for none. */
  readonly sharedLockMs: number | undefined;
}

/**
 * One PostgreSQL session: its statements, what stops them, what cleans up after them, and its end.
 *
 * A cancel is aimed at a session, not at a statement, and may arrive late. After one, nothing is sent until its socket
 * is closed, its victim has settled, and one empty round trip has caught a late arrival.
 */
export class PgSession implements Session {
  readonly id: number;
  readonly wire: PgWire;
  readonly #client: pg.Client;
  readonly #context: PgSessionContext;
  readonly #line: StatementLine;
  #closed = false;
  #lastStep = 0;
  #sameStep = 0;
  #lastCancel: Promise<void> | undefined;
  /** The server has taken a cancel that has had no effect yet. */
  #cancelTaken = false;
  #goodbye: Timer | undefined;

  /** @param client - Connected; its events are to be passed to `wire`, {@link onError} and {@link onEnd}. */
  constructor(id: number, client: pg.Client, context: PgSessionContext) {
    this.id = id;
    this.wire = new PgWire(client, (error) => this.onError(error));
    this.#line = new StatementLine(this.wire);
    this.#client = client;
    this.#context = context;
  }

  get alive(): boolean {
    return this.#line.ended === undefined;
  }

  get busy(): boolean {
    return this.#line.busy;
  }

  get inTransaction(): boolean {
    return this.wire.status !== 'I';
  }

  get clean(): boolean {
    const { quiet, dirty, refusedWrite } = this.#line;
    return quiet && !dirty && !refusedWrite && this.wire.status === 'I' && this.alive;
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
    const { natures, sharedLockMs } = this.#context;
    const { leavesTrace, commits, staying } = natures.of(text);
    if (sharedLockMs === undefined) {
      const limit = isLimited(limitMs) ? limitStepMs(limitMs) : 'default';
      return this.#line.submit(text, values, { limit, leavesTrace, commits });
    }
    if (staying !== undefined) return Promise.reject(new SessionStateError(staying));
    // What may leave a trace may also be what has to stand alone, as VACUUM does.
    const local = leavesTrace ? undefined : { statementMs: limitMs, lockMs: sharedLockMs };
    return this.#line.submit(text, values, { local, leavesTrace, commits });
  }

  begin(limitMs: number | undefined, options: TransactionOptions | undefined): Promise<void> {
    const { sharedLockMs } = this.#context;
    // Without a limit of its own a transaction runs under the session's, which may be an earlier borrower's.
    const limit = sharedLockMs === undefined ? this.#limitToStand(limitMs) : undefined;
    const terms = limit === undefined ? BEGIN : beginUnder(limit);
    const local = { statementMs: limit === undefined ? limitMs : undefined, lockMs: sharedLockMs ?? 0 };
    // What it resolves to is nobody's business, and one promise less.
    return this.#line.submit(beginText(local, options), undefined, terms) as Promise<unknown> as Promise<void>;
  }

  /**
   * The limit under which the session stands, or had better stand from now on, if it does for a transaction with this
   * one: to say it in every transaction costs a tenth of a short one.
   */
  #limitToStand(limitMs: number | undefined): SessionLimitValue | undefined {
    if (!isLimited(limitMs)) return 'default';
    const step = limitStepMs(limitMs);
    this.#sameStep = step === this.#lastStep ? this.#sameStep + 1 : 1;
    this.#lastStep = step;
    return this.#line.hasLimit(step) || this.#sameStep > SAME_STEPS ? step : undefined;
  }

  commit(): Promise<boolean> {
    return this.#line.submit('COMMIT', undefined, COMMIT).then(({ command }) => command === 'COMMIT');
  }

  async rollback(): Promise<void> {
    if (this.#line.quiet && this.wire.status === 'I') return;
    await this.#line.submit('ROLLBACK', undefined, ROLLBACK);
  }

  cancel(): void {
    if (this.#line.stopCurrent()) this.#stop();
  }

  async restore(): Promise<boolean> {
    const line = this.#line;
    const limit = timeLimit(this.#context.clock, CERTAINTY_LIMIT_MS, () => this.#giveUp());
    try {
      line.refuseQueued(new Error('the connection was released before this statement was sent'));
      this.cancel();
      await line.whenQuiet();
      if (this.wire.status !== 'I') await line.roundTrip('ROLLBACK');
      const { dirty, refusedWrite } = line;
      if (dirty || refusedWrite) {
        // A session that is shared keeps nothing, and what would be cleaned is perhaps another one by now.
        if (this.#context.sharedLockMs === undefined) await line.roundTrip('DISCARD ALL');
        line.cleaned();
      }
      // What is still read-only without the borrower's own settings is so by the server's will.
      if (refusedWrite && (await this.#isReadOnly())) this.#context.owner.onReadOnly();
    } catch {
      this.#end();
    } finally {
      limit.cancel();
    }
    if (!this.clean) this.#end();
    return this.alive;
  }

  async validate(limitMs: number): Promise<boolean> {
    const limit = timeLimit(this.#context.clock, limitMs, () => this.#lose(new ConnectionEndedError(NO_ANSWER)));
    try {
      await this.#line.roundTrip('');
    } catch (error) {
      // Stopped at its limit it has been answered all the same.
      if (classifyPgError(error) !== 'cancelled') this.#lose(error);
    } finally {
      limit.cancel();
    }
    return this.alive;
  }

  retire(): void {
    this.#leave(new ConnectionEndedError('the connection was closed'));
  }

  destroy(): void {
    if (this.alive) this.#end();
    else this.#hangUp();
  }

  /** So many bytes have come from the server, and the driver has not read them yet. */
  onReceived(bytes: number): void {
    const { resultBound } = this.#context;
    if (resultBound === undefined || this.wire.receive(bytes) <= resultBound.maxBytes || !this.alive) return;
    // What the server has sent already would go on filling the memory for as long as somebody reads it.
    void this.#sendCancel();
    this.#line.end(new ResultTooLargeError(resultBound.pool, resultBound.maxBytes));
    this.#hangUp();
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

  async #isReadOnly(): Promise<boolean> {
    const { rows } = await this.#line.roundTrip('SHOW transaction_read_only');
    const [row] = rows as readonly { readonly transaction_read_only: string }[];
    return row?.transaction_read_only === 'on';
  }

  #stop(): void {
    this.#line.hold();
    const limit = timeLimit(this.#context.clock, CERTAINTY_LIMIT_MS, () => this.#giveUp());
    const settled = new Promise<void>((resolve) => this.wire.whenComplete(resolve));
    void Promise.all([this.#sendCancel(), settled])
      // The empty statement may itself be hit by the late cancel; that it came back is all that counts.
      .then(() => this.#line.roundTrip('').catch(() => undefined))
      .then(() => {
        limit.cancel();
        if (this.alive) this.#cancelTaken = false;
        this.#line.resume();
      });
  }

  #sendCancel(): Promise<void> {
    const { owner, clock } = this.#context;
    owner.onCancelSent();
    this.#lastCancel = sendCancelRequest(cancelTargetOf(this.#client), clock, CERTAINTY_LIMIT_MS).then((taken) => {
      this.#cancelTaken = taken;
    });
    return this.#lastCancel;
  }

  /** Whoever does not answer a cancel may be cut off from us altogether: nobody would tell. */
  #giveUp(): void {
    if (!this.alive) return;
    this.destroy();
    this.#context.owner.onSilent(this);
  }

  /** The session ended although nobody asked. */
  #lose(error: unknown): void {
    if (!this.alive) return;
    const cause = this.wire.lastError ?? error;
    this.#line.end(cause instanceof Error ? cause : new ConnectionEndedError(NO_ANSWER));
    this.#hangUp();
    this.#context.owner.onLost(this, cause);
  }

  #end(): void {
    const error = new ConnectionEndedError('the connection was destroyed');
    if (!this.#line.stoppable || this.#line.held) {
      this.#leave(error);
      return;
    }
    // A closed socket alone stops nothing: the server would run the statement to its end and keep its locks.
    const cancelled = this.#sendCancel();
    if (this.#context.sharedLockMs === undefined) {
      this.#leave(error);
      return;
    }
    // A pooler forgets at a goodbye which statement the cancel is meant for.
    this.#line.end(error);
    void cancelled.then(() => this.#sayGoodbye());
  }

  /** Ends our side. The server hangs up once nothing of the session is left there; only then is its place free. */
  #leave(error: Error): void {
    if (!this.alive) return;
    this.#line.end(error);
    this.#sayGoodbye();
  }

  #sayGoodbye(): void {
    if (this.#closed) return;
    this.#goodbye = timeLimit(this.#context.clock, GOODBYE_LIMIT_MS, () => this.#missGoodbye());
    this.#client.connection.end();
  }

  /**
   * The server did not hang up. Where it has taken a cancel it works and can be reached, so this session is stuck and
   * still there, with its locks: its place is not given to another one yet.
   */
  #missGoodbye(): void {
    if (!this.#cancelTaken) {
      this.#hangUp();
      return;
    }
    this.#context.onStuck();
    this.#goodbye = timeLimit(this.#context.clock, STUCK_LIMIT_MS, () => this.#hangUp());
  }

  #hangUp(): void {
    streamOf(this.#client).destroy();
  }
}

const NO_ANSWER = 'the database did not answer in time';
