import type { Connection, Query } from 'mysql2';
import type { TextMemo } from '../core/text-memo.js';
import type { QueryResult } from './contract.js';
import { MessageWire } from './message-wire.js';
import { escapesByBackslash, isHeader, isOpen, resultOf } from './mysql-answers.js';
import { type ColumnNameError, readableColumns } from './mysql-columns.js';
import { classifyMysqlError, endsMysqlSession, errnoOf } from './mysql-errors.js';
import { checkNumbers, checkSize, ListApartError } from './mysql-refusals.js';
import type { MysqlStart } from './mysql-setup.js';
import { keepsTransaction } from './mysql-text.js';
import { apartValues, splitValues, writtenValues } from './mysql-values.js';
import type { Answer } from './statement-wire.js';

/** Does nothing, and is answered with the flags. */
export const NOTHING = 'DO 0';

const ENDS_ALL = /^\s*(?:commit|rollback)(?:\s+work)?\s*;?\s*$/i;

type Done = (error: unknown, answer: unknown) => void;

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
  readonly #start: Pick<MysqlStart, 'maxPacketBytes'>;
  readonly #commands: TextMemo<string>;
  readonly #onFatal: (error: unknown) => void;
  /**
   * A backslash certainly escapes. Only the answer to what made the session ready says so: later ones may tell what a
   * trigger or a routine had set, and what is no longer so.
   */
  #escapesByBackslash: boolean;
  #modeUnread = false;
  /** Why the rows of the answer under way are of no use. */
  #unreadable: ColumnNameError | undefined;

  /**
   * @param start - As the session was when it was made ready.
   * @param commands - Reads `commandOf` off a text; the sessions of one pool share it.
   * @param onFatal - The session is over.
   */
  constructor(
    connection: Connection,
    start: Pick<MysqlStart, 'flags' | 'maxPacketBytes'>,
    commands: TextMemo<string>,
    onFatal: (error: unknown) => void,
  ) {
    super();
    this.#connection = connection;
    this.#start = start;
    this.#escapesByBackslash = escapesByBackslash(start.flags);
    this.#commands = commands;
    this.#onFatal = onFatal;
  }

  send(text: string, values: readonly unknown[] | undefined, answer: Answer, before = ''): void {
    if (this.isOver(answer)) return;
    if (this.status !== 'E') this.#query(text, values, this.begin(answer), before);
    else if (!ENDS_ALL.test(text)) answer(new TransactionGoneError(), undefined);
    else this.#query('ROLLBACK', undefined, this.begin(answer));
  }

  /** Nothing is left of the session's state but its database and its role. What comes next has to make it ready. */
  reset(answer: Answer): void {
    if (this.isOver(answer)) return;
    const message = this.begin(answer);
    this.#escapesByBackslash = false;
    this.#modeUnread = true;
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
    this.#unreadable = undefined;
    try {
      checkNumbers(values);
      if (values === undefined || values.length === 0) this.#sendText(whole, done);
      else if (this.#escapesByBackslash) this.#sendText(this.#format(whole, writtenValues(values)), done);
      else if (whole.includes('\\')) this.#sendApart(whole, values, done);
      else this.#sendSplit(whole, values, done);
    } catch (error) {
      // Nothing was sent.
      this.complete(error, undefined);
    }
  }

  #format(text: string, values: readonly unknown[]): string {
    return this.#connection.format(text, values as (string | null)[]);
  }

  #sendText(text: string, done: Done): void {
    checkSize(this.#start.maxPacketBytes, text);
    this.#readColumns(this.#connection.query(text, done));
  }

  /** The driver would look for the places of values in such a text by a mode that the session may not have. */
  #sendApart(text: string, values: readonly unknown[], done: Done): void {
    const apart = apartValues(values);
    if (apart === undefined) throw new ListApartError();
    checkSize(this.#start.maxPacketBytes, text, apart);
    this.#readColumns(this.#connection.execute(text, apart as (string | null)[], done));
  }

  #sendSplit(text: string, values: readonly unknown[], done: Done): void {
    const { written, apart } = splitValues(values);
    const whole = this.#format(text, written);
    if (apart.length === 0) {
      this.#sendText(whole, done);
      return;
    }
    checkSize(this.#start.maxPacketBytes, whole, apart);
    const query = this.#connection.execute(whole, [...apart], (error: unknown, answer: unknown) => {
      // With values in it, it will hardly come again.
      this.#connection.unprepare(whole);
      done(error, answer);
    });
    this.#readColumns(query);
  }

  /** A procedure may have several answers. */
  #readColumns(query: Query): void {
    query.on('fields', (columns: unknown) => {
      this.#unreadable ??= readableColumns(columns);
    });
  }

  #settle(message: number, error: unknown, text: string, answer: unknown): void {
    if (!this.isUnderWay(message)) return;
    if (error === undefined) {
      const command = this.#commands.of(text);
      const failure = this.#unreadable;
      const result = failure === undefined ? resultOf(command, answer) : undefined;
      if (this.#noteFlags(answer) || this.status !== 'T' || keepsTransaction(command)) this.complete(failure, result);
      else this.#askStatus(message, failure, text, result);
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
    this.note(isOpen(serverStatus) ? 'T' : 'I');
    const escapes = escapesByBackslash(serverStatus);
    this.#escapesByBackslash = escapes && (this.#escapesByBackslash || this.#modeUnread);
    this.#modeUnread = false;
    return true;
  }
}
