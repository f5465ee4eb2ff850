import type { QueryResult } from './contract.js';
import { PG_WORDS } from './pg-words.js';
import { SessionLimit, type SessionLimitValue } from './session-limit.js';
import { type OwnLimit, type Statement, sendOn, type Terms } from './statement.js';
import { answered, type StatementWire, type StatementWords } from './statement-wire.js';

const LIMIT_TRIES = 5;

/**
 * The statements of one session: strictly one after the other, in the order of the calls, each under the limit that it
 * asks for. Held, it starts nothing; ended, it refuses everything.
 */
export class StatementLine {
  readonly #wire: StatementWire;
  readonly #words: StatementWords;
  readonly #limit = new SessionLimit();
  readonly #queue: Statement[] = [];
  #current: Statement | undefined;
  #held = false;
  #dirty = false;
  #refusedWrite = false;
  #ended: Error | undefined;
  #quietWaiters: (() => void)[] = [];

  constructor(wire: StatementWire, words: StatementWords = PG_WORDS) {
    this.#wire = wire;
    this.#words = words;
  }

  /** A statement runs, or its limit is being set. */
  get busy(): boolean {
    return this.#current !== undefined;
  }

  /** The statement that a cancel would hit, if that does any good: it is on the server and commits nothing. */
  get stoppable(): boolean {
    return this.#current?.sent === true && !this.#current.terms.commits;
  }

  /** Nothing runs or is queued, and the line is not held. */
  get quiet(): boolean {
    return this.#current === undefined && !this.#wire.sending && !this.#held && this.#queue.length === 0;
  }

  /** The line is held: a cancel is not over yet. */
  get held(): boolean {
    return this.#held;
  }

  /** A statement may have left something in the session. */
  get dirty(): boolean {
    return this.#dirty;
  }

  /** The server took no write of a statement, for a reason that is to be looked into. */
  get refusedWrite(): boolean {
    return this.#refusedWrite;
  }

  /** Whether the session's limit outside transactions is certain to be this. */
  hasLimit(value: SessionLimitValue): boolean {
    return this.#limit.is(value);
  }

  /** `undefined` while the session lives; afterwards what its statements are told. */
  get ended(): Error | undefined {
    return this.#ended;
  }

  submit<Row>(text: string, values: readonly unknown[] | undefined, terms: Terms): Promise<QueryResult<Row>> {
    return new Promise<QueryResult<Row>>((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      const settle = resolve as (result: QueryResult<never>) => void;
      const statement: Statement = { text, values, terms, resolve: settle, reject, stopped: false, sent: false };
      if (this.quiet) this.#start(statement);
      else this.#queue.push(statement);
    });
  }

  /** A message of the session's own, past the line. To be sent while nothing runs. */
  roundTrip(text: string): Promise<QueryResult<never>> {
    return answered((answer) => this.#wire.send(text, undefined, answer));
  }

  /** Whether an error says that a statement was stopped: by a cancel, or by its limit. */
  isStopped(error: unknown): boolean {
    return this.#words.isStopped(error);
  }

  /** Marks the running statement as stopped, once. True when it is on the server, which has to be told then. */
  stopCurrent(): boolean {
    const victim = this.#current;
    if (victim === undefined || victim.stopped || victim.terms.commits) return false;
    victim.stopped = true;
    // A statement whose limit is still being set is simply not sent.
    return victim.sent;
  }

  hold(): void {
    this.#held = true;
  }

  resume(): void {
    this.#held = false;
    this.#next();
  }

  refuseQueued(error: Error): void {
    for (const statement of this.#queue.splice(0)) statement.reject(error);
  }

  /** Resolves when nothing runs or is queued any more, or the session has ended. */
  whenQuiet(): Promise<void> {
    if (this.quiet || this.#ended !== undefined) return Promise.resolve();
    return new Promise((resolve) => this.#quietWaiters.push(resolve));
  }

  /** The session's state was put back to what it was at the start. */
  cleaned(): void {
    this.#dirty = false;
    this.#refusedWrite = false;
    this.#limit.changed('default');
  }

  /** The session is over: what runs, is queued or comes later gets `error`. */
  end(error: Error): void {
    this.#ended = error;
    this.#wire.fail(error);
    this.refuseQueued(error);
    this.#tellQuiet();
  }

  #start(statement: Statement): void {
    this.#current = statement;
    const { limit, refusal } = statement.terms;
    const refused = refusal?.(this.#wire.status);
    if (refused !== undefined) {
      this.#settle(statement, refused, undefined);
      return;
    }
    // Inside a transaction the limit is the transaction's own, and a SET would be undone by its rollback.
    if (limit === undefined || this.#wire.status !== 'I') this.#run(statement);
    else this.#runUnder(limit, statement);
  }

  #runUnder(limit: SessionLimitValue, statement: Statement): void {
    const passes = !this.#limit.wants(limit);
    if (!this.#limit.changesTo(limit)) this.#run(statement);
    else if (!passes || !this.#runAlone(limit, statement)) this.#setLimit(statement, limit, LIMIT_TRIES);
  }

  /** Runs a statement under a limit that it alone has. False where that is not to be had for it. */
  #runAlone(limit: SessionLimitValue, statement: Statement): boolean {
    const { text, values, terms } = statement;
    const before = this.#words.limitBefore?.(limit, text);
    // Without values it may be one that has to stand alone in its message.
    const local = limit !== 'default' && values !== undefined && values.length > 0 && !terms.leavesTrace;
    if (before !== undefined) this.#run(statement, { before });
    else if (local && this.#wire.sendLimited !== undefined) {
      this.#run(statement, { local: { statementMs: limit, lockMs: 0 } });
    } else return false;
    return true;
  }

  /** A change of the limit runs under the old one itself, which is none of this statement's business. */
  #setLimit(statement: Statement, limit: SessionLimitValue, tries: number): void {
    this.#wire.send(this.#words.limitChange(limit), undefined, (error) => {
      const again = tries > 1 && this.#ended === undefined && !statement.stopped;
      if (error === undefined) this.#limit.changed(limit);
      if (again && this.#words.isStopped(error)) this.#setLimit(statement, limit, tries - 1);
      else if (error !== undefined) this.#settle(statement, error, undefined);
      else if (statement.stopped) this.#settle(statement, this.#words.stoppedUnsent(), undefined);
      else this.#run(statement);
    });
  }

  /** A limit that was meant for the statements of a transaction does not cut its end. */
  #unlimited({ commits }: Terms): OwnLimit {
    const before = commits && !this.#limit.is('default') ? this.#words.limitLifted : undefined;
    return before === undefined ? {} : { before };
  }

  #run(statement: Statement, own: OwnLimit = this.#unlimited(statement.terms)): void {
    statement.sent = true;
    if (statement.terms.leavesTrace) {
      this.#dirty = true;
      this.#limit.doubt();
    }
    sendOn(this.#wire, statement, own, (error, result) => this.#settle(statement, error, result));
  }

  #settle(statement: Statement, error: unknown, result: QueryResult<never> | undefined): void {
    this.#current = undefined;
    if (error !== undefined && this.#words.isReadOnlyRefusal(error)) this.#refusedWrite = true;
    if (result === undefined) statement.reject(error);
    else statement.resolve(result);
    this.#next();
  }

  #next(): void {
    if (this.#held || this.#current !== undefined || this.#ended !== undefined) return;
    const statement = this.#queue.shift();
    if (statement === undefined) this.#tellQuiet();
    else this.#start(statement);
  }

  #tellQuiet(): void {
    for (const resume of this.#quietWaiters.splice(0)) resume();
  }
}
