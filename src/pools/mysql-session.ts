import type { Clock, Timer } from '../clock.js';
import { type QueryResult, ResultTooLargeError, type TransactionOptions } from './contract.js';
import { isLimited, limitStepMs } from './limit-steps.js';
import type { MysqlClient } from './mysql-client.js';
import { classifyMysqlError } from './mysql-errors.js';
import type { MysqlRestorer } from './mysql-restorer.js';
import { type MysqlWire, NOTHING } from './mysql-wire.js';
import { ConnectionEndedError } from './pg-errors.js';
import { BEGIN, beginUnder, COMMIT, ROLLBACK, type Terms } from './pg-statement.js';
import type { Session, SessionOwner } from './session.js';
import type { StatementNatures } from './session-trace.js';
import type { StatementLine } from './statement-line.js';
import { timeLimit } from './time-limit.js';

/** From the call to cancel, or to restore, until the session must be certain of its state. */
const CERTAINTY_LIMIT_MS = 1_000;
/** For the server to hang up after a goodbye. */
const GOODBYE_LIMIT_MS = 500;
/** The same for a server that was told to stop the session's statement, and has not. */
const STUCK_LIMIT_MS = 10_000;
/** For the answer to a sign of life. */
const LIFE_LIMIT_MS = 5_000;
/** Signs of life within the time after which the server would end an idle session. */
const SIGNS = 3;

const ISOLATION = {
  'read committed': 'READ COMMITTED',
  'repeatable read': 'REPEATABLE READ',
  serializable: 'SERIALIZABLE',
} as const;

/** Where a statement has committed by the way, as those that change tables do, there is nothing left to do. */
const COMMIT_BEGUN: Terms = { ...COMMIT, refusal: () => undefined };

const ALWAYS: Terms = { leavesTrace: false, commits: false };

/** What a session is made of, and what those of one pool share. */
export interface MysqlSessionParts {
  readonly client: MysqlClient;
  readonly wire: MysqlWire;
  readonly line: StatementLine;
  readonly restorer: MysqlRestorer;
  readonly waitTimeoutMs: number;
  readonly clock: Clock;
  readonly owner: SessionOwner;
  readonly natures: StatementNatures;
  /** What the answer to one statement may have; `undefined` for no bound. */
  readonly resultBound: { readonly pool: string; readonly maxBytes: number } | undefined;
  /** Tells the server to stop what the session runs. Resolves once it is told, or cannot be; never rejects. */
  readonly kill: () => Promise<boolean>;
}

/** One session of MySQL or MariaDB: its statements, what stops them, what cleans up after them, and its end. */
export class MysqlSession implements Session {
  readonly id: number;
  readonly #parts: MysqlSessionParts;
  readonly #line: StatementLine;
  readonly #wire: MysqlWire;
  /** {@link begin} has succeeded, and its end was not asked for; a statement may have ended it by the way. */
  #begun = false;
  #closed = false;
  #lastKill: Promise<boolean> | undefined;

  #goodbye: Timer | undefined;
  #life: Timer | undefined;

  /** @param id - Numbers it within the process. */
  constructor(id: number, parts: MysqlSessionParts) {
    this.id = id;
    this.#parts = parts;
    this.#line = parts.line;
    this.#wire = parts.wire;
    this.#stayAlive();
  }

  get alive(): boolean {
    return this.#line.ended === undefined;
  }

  get busy(): boolean {
    return this.#line.busy;
  }

  get inTransaction(): boolean {
    return this.#wire.status !== 'I';
  }

  get clean(): boolean {
    const { quiet, dirty, refusedWrite } = this.#line;
    return quiet && !dirty && !refusedWrite && this.#wire.status === 'I' && this.alive;
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
    const { leavesTrace, commits } = this.#parts.natures.of(text);
    if (leavesTrace) this.#parts.restorer.note(text);
    const limit = isLimited(limitMs) ? limitStepMs(limitMs) : 'default';
    return this.#line.submit(text, values, { leavesTrace, commits, limit });
  }

  begin(limitMs: number | undefined, options: TransactionOptions | undefined): Promise<void> {
    const terms = beginUnder(isLimited(limitMs) ? limitStepMs(limitMs) : 'default');
    const text = options?.readOnly === true ? 'START TRANSACTION READ ONLY' : 'START TRANSACTION';
    const begun = (): void => {
      this.#begun = true;
    };
    const start = (): Promise<void> => this.#line.submit(text, undefined, terms).then(begun);
    if (options?.isolation === undefined) return start();
    // It holds for the next transaction only.
    const isolation = `SET TRANSACTION ISOLATION LEVEL ${ISOLATION[options.isolation]}`;
    return this.#line.submit(isolation, undefined, BEGIN).then(start);
  }

  commit(): Promise<boolean> {
    const terms = this.#begun ? COMMIT_BEGUN : COMMIT;
    this.#begun = false;
    return this.#line.submit('COMMIT', undefined, terms).then(({ command }) => command === 'COMMIT');
  }

  async rollback(): Promise<void> {
    this.#begun = false;
    if (this.#line.quiet && this.#wire.status === 'I') return;
    await this.#line.submit('ROLLBACK', undefined, ROLLBACK);
  }

  cancel(): void {
    if (this.#line.stopCurrent()) this.#stop();
  }

  async restore(): Promise<boolean> {
    const line = this.#line;
    const limit = timeLimit(this.#parts.clock, CERTAINTY_LIMIT_MS, () => this.#endSilent());
    try {
      line.refuseQueued(new Error('the connection was released before this statement was sent'));
      this.cancel();
      await line.whenQuiet();
      const { dirty, refusedWrite } = line;
      this.#begun = false;
      if (dirty) await this.#parts.restorer.restore();
      else if (this.#wire.status !== 'I') await line.roundTrip('ROLLBACK');
      if (dirty || refusedWrite) line.cleaned();
      if (refusedWrite && (await this.#parts.restorer.isReadOnly())) this.#parts.owner.onReadOnly();
    } catch {
      this.#end();
    } finally {
      limit.cancel();
    }
    if (!this.clean) this.#end();
    return this.alive;
  }

  async validate(limitMs: number): Promise<boolean> {
    const limit = timeLimit(this.#parts.clock, limitMs, () => this.onError(new ConnectionEndedError(NO_ANSWER)));
    try {
      await new Promise<void>((resolve, reject) => {
        if (this.#line.ended !== undefined) reject(this.#line.ended);
        else this.#wire.ping((error) => (error === undefined ? resolve() : reject(error)));
      });
    } catch (error) {
      if (classifyMysqlError(error) !== 'cancelled') this.onError(error);
    } finally {
      limit.cancel();
    }
    return this.alive;
  }

  retire(): void {
    this.#leave(new ConnectionEndedError('the connection was closed'), GOODBYE_LIMIT_MS);
  }

  destroy(): void {
    if (this.alive) this.#end();
    else this.#parts.client.hangUp();
  }

  /** So many bytes have come from the server, and the driver has not read them yet. */
  onReceived(bytes: number): void {
    const { resultBound } = this.#parts;
    if (resultBound === undefined || this.#wire.receive(bytes) <= resultBound.maxBytes || !this.alive) return;
    // What the server has sent already would go on filling the memory for as long as somebody reads it.
    this.#life?.cancel();
    void this.#sendKill();
    this.#line.end(new ResultTooLargeError(resultBound.pool, resultBound.maxBytes));
    this.#parts.client.hangUp();
  }

  /** The session ended although nobody asked. It may be told more than once. */
  onError(error: unknown): void {
    if (!this.alive) return;
    this.#life?.cancel();
    // The server does not look for its clients while it works: it would go on, and keep the locks.
    if (this.#line.stoppable && !this.#line.held) this.#lastKill = this.#parts.kill();
    this.#line.end(error instanceof Error ? error : new ConnectionEndedError(NO_ANSWER));
    this.#parts.client.hangUp();
    this.#parts.owner.onLost(this, error);
  }

  /** The socket is closed. */
  onClosed(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#goodbye?.cancel();
    this.onError(new ConnectionEndedError('the server closed the connection'));
    const { owner } = this.#parts;
    // The place is free once the server was told to stop what still ran.
    if (this.#lastKill === undefined) owner.onClosed(this);
    else void this.#lastKill.then(() => owner.onClosed(this));
  }

  #stop(): void {
    this.#line.hold();
    const limit = timeLimit(this.#parts.clock, CERTAINTY_LIMIT_MS, () => this.#endSilent());
    const settled = new Promise<void>((resolve) => this.#wire.whenComplete(resolve));
    void Promise.all([this.#sendKill(), settled])
      // This may itself be hit by the late cancel; that it came back is all that counts.
      .then(() => this.#line.roundTrip(NOTHING).catch(() => undefined))
      .then(() => {
        limit.cancel();
        this.#line.resume();
      });
  }

  #sendKill(): Promise<boolean> {
    this.#parts.owner.onCancelSent();
    this.#lastKill = this.#parts.kill();
    return this.#lastKill;
  }

  #end(): void {
    if (!this.alive) return;
    // A closed socket alone stops nothing: the server would run the statement to its end and keep its locks.
    if (this.#line.stoppable && !this.#line.held) void this.#sendKill();
    const waitsForEnd = this.#line.stoppable && this.#lastKill !== undefined;
    this.#leave(
      new ConnectionEndedError('the connection was destroyed'),
      waitsForEnd ? STUCK_LIMIT_MS : GOODBYE_LIMIT_MS,
    );
    // Whom the server was not told to stop, it will not stop soon.
    if (waitsForEnd) void this.#lastKill?.then((told) => told || this.#parts.client.hangUp());
  }

  #endSilent(): void {
    if (!this.alive) return;
    this.#end();
    this.#parts.owner.onSilent(this);
  }

  /** Ends our side. The server hangs up once nothing of the session is left there; only then is its place free. */
  #leave(error: Error, limitMs: number): void {
    if (!this.alive) return;
    this.#life?.cancel();
    this.#line.end(error);
    this.#goodbye = timeLimit(this.#parts.clock, limitMs, () => this.#parts.client.hangUp());
    this.#parts.client.end();
  }

  /** The server ends whoever is silent for too long, also a session that is lent. */
  #stayAlive(): void {
    const { clock, waitTimeoutMs } = this.#parts;
    const before = this.#wire.sent;
    this.#life = timeLimit(clock, waitTimeoutMs / SIGNS, () => {
      if (this.#wire.sent === before && this.#line.quiet) void this.#signOfLife();
      this.#stayAlive();
    });
  }

  async #signOfLife(): Promise<void> {
    const lost = (): void => this.onError(new ConnectionEndedError(NO_ANSWER));
    const limit = timeLimit(this.#parts.clock, LIFE_LIMIT_MS, lost);
    // In its turn, so that a borrower who comes meanwhile waits for it.
    await this.#line.submit(NOTHING, undefined, ALWAYS).catch(() => undefined);
    limit.cancel();
  }
}

const NO_ANSWER = 'the database did not answer in time';
