import type { Connection } from 'mysql2';
import type { TextMemo } from '../core/text-memo.js';
import type { QueryResult } from './contract.js';
import { MessageWire } from './message-wire.js';
import { classifyMysqlError, endsMysqlSession, errnoOf } from './mysql-errors.js';
import { keepsTransaction } from './mysql-text.js';
import { plainValues } from './mysql-values.js';
import type { Answer } from './statement-wire.js';

/** The server's flags, which come with every answer that has no rows. */
const IN_TRANSACTION = 1;
const AUTOCOMMIT = 2;
const NO_BACKSLASH_ESCAPES = 512;

/** Does nothing, and is answered with the flags. */
export const NOTHING = 'DO 0';

const ENDS_ALL = /^\s*(?:commit|rollback)(?:\s+work)?\s*;?\s*$/i;

/** An answer without rows. */
interface Header {
  readonly affectedRows: number;
  readonly insertId: number;
  readonly serverStatus: number;
}

/** The server has rolled the whole transaction back by itself, as it does with the victim of a deadlock. */
export class TransactionGoneError extends Error {
  override readonly name = 'TransactionGoneError';
  constructor() {
    super(
      'the server has rolled this transaction back, statements would no longer be part of it: roll back, begin anew',
    );
  }
}

/**
 * The messages of a session of MySQL or MariaDB. After an error inside a transaction it asks whether there still is one:
 * what came after would otherwise be committed piece by piece.
 */
export class MysqlWire extends MessageWire {
  readonly #connection: Connection;
  readonly #commands: TextMemo<string>;
  readonly #onFatal: (error: unknown) => void;
  #escapesByBackslash = true;

  /**
   * @param commands - Reads `commandOf` off a text; the sessions of one pool share it.
   * @param onFatal - The session is over.
   */
  constructor(connection: Connection, commands: TextMemo<string>, onFatal: (error: unknown) => void) {
    super();
    this.#connection = connection;
    this.#commands = commands;
    this.#onFatal = onFatal;
  }

  send(text: string, values: readonly unknown[] | undefined, answer: Answer, before = ''): void {
    if (this.isOver(answer)) return;
    if (this.status !== 'E') this.#query(text, values, this.begin(answer), before);
    else if (!ENDS_ALL.test(text)) answer(new TransactionGoneError(), undefined);
    else this.#query('ROLLBACK', undefined, this.begin(answer));
  }

  /** Nothing is left of the session's state but its database and its role. */
  reset(answer: Answer): void {
    if (this.isOver(answer)) return;
    const message = this.begin(answer);
    this.#connection.reset((error) => this.#settle(message, error ?? undefined, 'RESET', []));
  }

  ping(answer: Answer): void {
    if (this.isOver(answer)) return;
    const message = this.begin(answer);
    // Its callback gets an error, although that is not declared.
    const done = (error?: unknown): void => this.#settle(message, error ?? undefined, 'PING', []);
    this.#connection.ping(done);
  }

  #query(text: string, values: readonly unknown[] | undefined, message: number, before = ''): void {
    const done = (error: unknown, answer: unknown): void => this.#settle(message, error ?? undefined, text, answer);
    const whole = before === '' ? text : before + text;
    if (values === undefined || values.length === 0) {
      this.#connection.query(whole, done);
    } else if (this.#escapesByBackslash) {
      this.#connection.query(whole, plainValues(values) as (string | null)[], done);
    } else {
      // The driver's way to write a value into a text is not safe in this mode, so the server gets it apart.
      const apart = plainValues(values).map((value) => value ?? null);
      this.#connection.execute(whole, apart as (string | null)[], done);
    }
  }

  #settle(message: number, error: unknown, text: string, answer: unknown): void {
    if (!this.isUnderWay(message)) return;
    if (error === undefined) {
      const command = this.#commands.of(text);
      const result = resultOf(command, answer);
      if (this.#noteFlags(answer) || this.status !== 'T' || keepsTransaction(command)) this.complete(undefined, result);
      else this.#askStatus(message, undefined, text, result);
    } else if (endsMysqlSession(error)) {
      this.#onFatal(error);
    } else if (this.status === 'T' && errnoOf(error) !== undefined) {
      this.#askStatus(message, error, text);
    } else {
      this.complete(error, undefined);
    }
  }

  /** An error comes without flags, and so do rows, as `ANALYZE TABLE` gives them. */
  #askStatus(message: number, error: unknown, text: string, result?: QueryResult<never>): void {
    this.#connection.query(NOTHING, (failure: unknown, answer: unknown) => {
      if (!this.isUnderWay(message)) return;
      if (failure !== null && endsMysqlSession(failure)) {
        this.#onFatal(failure);
        return;
      }
      // A late cancel may hit the question; in doubt there is no transaction.
      if (failure === null) this.#noteFlags(answer);
      const gone = failure !== null || this.status === 'I';
      if (gone) this.note(ENDS_ALL.test(text) || this.#mayHaveCommitted(text, error) ? 'I' : 'E');
      this.complete(error, result);
    });
  }

  /** Whether a transaction that is gone was ended by the statement itself rather than rolled back by the server. */
  #mayHaveCommitted(text: string, error: unknown): boolean {
    return !keepsTransaction(this.#commands.of(text)) && classifyMysqlError(error) !== 'contention';
  }

  /** @returns Whether there are any: rows come without. */
  #noteFlags(answer: unknown): boolean {
    const last = Array.isArray(answer) ? answer.at(-1) : answer;
    if (!isHeader(last)) return false;
    const { serverStatus } = last;
    // Without autocommit a transaction is as good as open.
    const open = (serverStatus & IN_TRANSACTION) !== 0 || (serverStatus & AUTOCOMMIT) === 0;
    this.note(open ? 'T' : 'I');
    this.#escapesByBackslash = (serverStatus & NO_BACKSLASH_ESCAPES) === 0;
    return true;
  }
}

/** Rows are plain objects, whatever their columns are called. */
function isHeader(answer: unknown): answer is Header {
  if (typeof answer !== 'object' || answer === null) return false;
  return Object.getPrototypeOf(answer) !== Object.prototype && 'serverStatus' in answer && 'affectedRows' in answer;
}

/** A call of a procedure has several results; the last rows answer. */
function resultOf(command: string, answer: unknown): QueryResult<never> {
  if (isHeader(answer)) {
    const { affectedRows, insertId } = answer;
    return insertId > 0
      ? { rows: [], rowCount: affectedRows, command, insertId }
      : { rows: [], rowCount: affectedRows, command };
  }
  const list: readonly unknown[] = Array.isArray(answer) ? answer : [];
  const several = isHeader(list.at(-1)) ? list.filter(Array.isArray).at(-1) : undefined;
  const rows = (several ?? list) as never[];
  return { rows, rowCount: rows.length, command };
}
