import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type pg from 'pg';
import type { Clock, Timer } from '../clock.js';
import { type CancelTarget, sendCancelRequest } from './cancel-request.js';
import type { QueryResult, TransactionOptions } from './contract.js';
import { limitStepMs, wholeLimitMs } from './limit-steps.js';
import { ConnectionEndedError, isFatal, StatementStoppedError } from './pg-errors.js';
import type { Session, SessionOwner } from './session.js';
import type { StatementNatures } from './session-trace.js';
import { timeLimit } from './time-limit.js';

/** From the call to cancel, or to restore, until the session must be certain of its state. */
const CERTAINTY_LIMIT_MS = 1_000;
/** For the server to hang up after a goodbye. */
const GOODBYE_LIMIT_MS = 500;

/** What the session's `statement_timeout` is: a number that was set, or as the server gave it at the start. */
type RememberedLimit = number | 'default' | 'unknown';

/** One statement of the borrower, in the order of the calls. */
interface Statement {
  readonly text: string;
  readonly values: readonly unknown[] | undefined;
  /** What the session's limit has to be before it; `undefined` leaves it as it is. */
  readonly limit: number | 'default' | undefined;
  readonly cancellable: boolean;
  readonly leavesTrace: boolean;
  readonly resolve: (result: QueryResult<never>) => void;
  readonly reject: (error: unknown) => void;
  /** A cancel was asked for. */
  stopped: boolean;
  /** It is on the server, not merely its limit. */
  sent: boolean;
}

/** One message to the server whose answer is not complete. There is never a second one. */
interface Exchange {
  done: (error: unknown, result: QueryResult<never> | undefined) => void;
  error: unknown;
}

/** Facts and helpers that the sessions of one pool share. */
export interface PgSessionContext {
  readonly clock: Clock;
  readonly owner: SessionOwner;
  readonly natures: StatementNatures;
}

/**
 * One PostgreSQL session. Statements run strictly one after the other, so the driver's own queue stays empty, and a
 * statement settles only when the server is ready for the next: the transaction status is never stale.
 *
 * A cancel is aimed at a session, not at a statement, and may arrive late. After one, nothing is sent until its socket
 * is closed, its victim has settled, and one empty round trip has caught a late arrival.
 */
export class PgSession implements Session {
  readonly id: number;
  readonly #client: pg.Client;
  readonly #context: PgSessionContext;
  #status: 'I' | 'T' | 'E' = 'I';
  #exchange: Exchange | undefined;
  #current: Statement | undefined;
  readonly #queue: Statement[] = [];
  #stopping = false;
  #dirty = false;
  #remembered: RememberedLimit = 'default';
  /** `undefined` while the session lives; afterwards what its statements are told. */
  #ended: Error | undefined;
  #closed = false;
  #quietWaiters: (() => void)[] = [];
  #lastCancel: Promise<void> | undefined;
  #goodbye: Timer | undefined;

  /** @param client - Connected. Its listeners for `error`, `end` and readiness call the methods below. */
  constructor(id: number, client: pg.Client, context: PgSessionContext) {
    this.id = id;
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
    return this.#status !== 'I';
  }

  get clean(): boolean {
    return this.#isQuiet && this.#status === 'I' && !this.#dirty && this.#ended === undefined;
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
    const nature = this.#context.natures.of(text);
    return this.#submit(text, values, limit, !nature.commits, nature.leavesTrace);
  }

  async begin(limitMs: number | undefined, options: TransactionOptions | undefined): Promise<void> {
    if (this.#status !== 'I') throw new Error('a transaction is open already: commit or roll it back first');
    await this.#submit(beginText(limitMs, options), undefined, undefined, true, false);
  }

  async commit(): Promise<boolean> {
    // The server would answer COMMIT with a warning only, and the caller would believe that its work was done.
    if (this.#isQuiet && this.#status === 'I') throw new Error('no transaction is open: nothing to commit');
    const result = await this.#submit('COMMIT', undefined, undefined, false, false);
    return result.command === 'COMMIT';
  }

  async rollback(): Promise<void> {
    if (this.#isQuiet && this.#status === 'I') return;
    await this.#submit('ROLLBACK', undefined, undefined, false, false);
  }

  cancel(): void {
    const victim = this.#current;
    if (victim === undefined || victim.stopped || !victim.cancellable || this.#ended !== undefined) return;
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
      if (this.#status !== 'I') await this.#roundTrip('ROLLBACK');
      if (this.#dirty) {
        await this.#roundTrip('DISCARD ALL');
        this.#dirty = false;
        this.#remembered = 'default';
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
    if (this.#ended !== undefined) return;
    this.#end(new ConnectionEndedError('the connection was closed'));
    this.#goodbye = timeLimit(this.#context.clock, GOODBYE_LIMIT_MS, () => this.#hangUp());
    this.#client.end(() => undefined);
  }

  destroy(): void {
    if (this.#ended !== undefined) return;
    // A closed socket alone stops nothing: the server would run the statement to its end and keep its locks.
    if (this.#current?.sent === true && this.#current.cancellable && !this.#stopping) this.#lastCancel = this.#sendCancel();
    this.#end(new ConnectionEndedError('the connection was destroyed'));
    this.#hangUp();
  }

  /** The server is ready for the next message. Before the driver settles the statement, so that it finds the truth. */
  onStatus(status: string): void {
    this.#status = status === 'T' || status === 'E' ? status : 'I';
  }

  /** As {@link onStatus}, after the driver has settled what succeeded. */
  onReady(): void {
    const exchange = this.#exchange;
    if (exchange?.error !== undefined) this.#finish(exchange, undefined);
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

  #submit<Row>(
    text: string,
    values: readonly unknown[] | undefined,
    limit: number | 'default' | undefined,
    cancellable: boolean,
    leavesTrace: boolean,
  ): Promise<QueryResult<Row>> {
    return new Promise<QueryResult<Row>>((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      const statement = {
        text,
        values,
        limit,
        cancellable,
        leavesTrace,
        resolve: resolve as (result: QueryResult<never>) => void,
        reject,
        stopped: false,
        sent: false,
      };
      if (this.#isQuiet) this.#start(statement);
      else this.#queue.push(statement);
    });
  }

  get #isQuiet(): boolean {
    return (
      this.#exchange === undefined && this.#current === undefined && !this.#stopping && this.#queue.length === 0
    );
  }

  #start(statement: Statement): void {
    this.#current = statement;
    const change = this.#limitChange(statement);
    if (change === undefined) {
      this.#run(statement);
      return;
    }
    this.#send(change, undefined, (error) => {
      if (error !== undefined) {
        this.#settle(statement, error, undefined);
        return;
      }
      this.#remembered = statement.limit ?? 'unknown';
      if (statement.stopped) this.#settle(statement, new StatementStoppedError(), undefined);
      else this.#run(statement);
    });
  }

  #run(statement: Statement): void {
    statement.sent = true;
    if (statement.leavesTrace) {
      this.#dirty = true;
      this.#remembered = 'unknown';
    }
    this.#send(statement.text, statement.values, (error, result) => this.#settle(statement, error, result));
  }

  /** The statement that has to go ahead so that the session's limit fits, if any. */
  #limitChange(statement: Statement): string | undefined {
    const { limit } = statement;
    // Inside a transaction the limit is the transaction's own, and a SET would be undone by its rollback.
    if (limit === undefined || limit === this.#remembered || this.#status !== 'I') return undefined;
    if (limit !== 'default') return `SET statement_timeout = ${limit}`;
    return this.#remembered === 'unknown' ? undefined : 'RESET statement_timeout';
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
    if (statement !== undefined) {
      this.#start(statement);
      return;
    }
    const waiters = this.#quietWaiters;
    if (waiters.length === 0) return;
    this.#quietWaiters = [];
    for (const resume of waiters) resume();
  }

  /** Resolves when nothing runs or is queued any more, or the session has ended. */
  #quiet(): Promise<void> {
    if (this.#isQuiet || this.#ended !== undefined) return Promise.resolve();
    return new Promise((resolve) => this.#quietWaiters.push(resolve));
  }

  /** A message of our own, while the session is quiet. */
  #roundTrip(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) reject(this.#ended);
      else this.#send(text, undefined, (error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  #send(text: string, values: readonly unknown[] | undefined, done: Exchange['done']): void {
    const exchange: Exchange = { done, error: undefined };
    this.#exchange = exchange;
    const config = values === undefined ? { text } : { text, values: values as unknown[] };
    this.#client.query(config, (error: Error | null | undefined, result: unknown) => {
      if (this.#exchange !== exchange) return;
      if (error === null || error === undefined) {
        this.#finish(exchange, lastOf(result));
        return;
      }
      // The server is ready again only with its next message, unless this error was its last.
      exchange.error ??= error;
      if (isFatal(error)) this.#lose(error);
      else if (this.#ended !== undefined) this.#finish(exchange, undefined);
    });
  }

  #finish(exchange: Exchange, result: QueryResult<never> | undefined): void {
    this.#exchange = undefined;
    exchange.done(exchange.error, exchange.error === undefined ? result : undefined);
  }

  #stop(): void {
    this.#stopping = true;
    const { clock } = this.#context;
    const limit = timeLimit(clock, CERTAINTY_LIMIT_MS, () => this.destroy());
    const sent = this.#sendCancel();
    this.#lastCancel = sent;
    void Promise.all([sent, this.#victimSettled()])
      // The empty statement may itself be hit by the late cancel; that it came back is all that counts.
      .then(() => this.#roundTrip('').catch(() => undefined))
      .then(() => {
        limit.cancel();
        this.#stopping = false;
        this.#next();
      });
  }

  #sendCancel(): Promise<void> {
    this.#context.owner.onCancelSent();
    return sendCancelRequest(cancelTargetOf(this.#client), this.#context.clock, CERTAINTY_LIMIT_MS);
  }

  #victimSettled(): Promise<void> {
    const exchange = this.#exchange;
    if (exchange === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const { done } = exchange;
      exchange.done = (error, result) => {
        done(error, result);
        resolve();
      };
    });
  }

  #refuseQueued(error: Error): void {
    for (const statement of this.#queue.splice(0)) statement.reject(error);
  }

  /** The session ended although nobody asked. */
  #lose(error: unknown): void {
    if (this.#ended !== undefined) return;
    const cause = this.#exchange?.error ?? error;
    this.#end(cause instanceof Error ? cause : new ConnectionEndedError(NO_ANSWER));
    this.#hangUp();
    this.#context.owner.onLost(this, cause);
  }

  #end(error: Error): void {
    this.#ended = error;
    const exchange = this.#exchange;
    if (exchange !== undefined) {
      exchange.error ??= error;
      this.#finish(exchange, undefined);
    }
    this.#refuseQueued(error);
    this.#current = undefined;
    const waiters = this.#quietWaiters.splice(0);
    for (const resume of waiters) resume();
  }

  #hangUp(): void {
    streamOf(this.#client).destroy();
  }
}

const NO_ANSWER = 'the database did not answer in time';

function beginText(limitMs: number | undefined, options: TransactionOptions | undefined): string {
  const isolation = options?.isolation === undefined ? '' : ` ISOLATION LEVEL ${ISOLATION[options.isolation]}`;
  const begin = `BEGIN${isolation}${options?.readOnly === true ? ' READ ONLY' : ''}`;
  if (limitMs === undefined || limitMs === Number.POSITIVE_INFINITY) return begin;
  return `${begin}; SET LOCAL statement_timeout = ${wholeLimitMs(limitMs)}`;
}

const ISOLATION = {
  'read committed': 'READ COMMITTED',
  'repeatable read': 'REPEATABLE READ',
  serializable: 'SERIALIZABLE',
} as const;

/** A text with several statements has several results; the last one answers. */
function lastOf(result: unknown): QueryResult<never> {
  return (Array.isArray(result) ? result.at(-1) : result) as QueryResult<never>;
}

/** The socket of a client, whether it runs over TLS or not. */
export function streamOf(client: pg.Client): Socket {
  return client.connection.stream as Socket;
}

/** The driver keeps the key of a session on the client, but does not declare it. */
interface KeyedClient {
  readonly processID: number | null;
  readonly secretKey: number | null;
  readonly ssl: unknown;
  readonly sslNegotiation?: string;
}

function cancelTargetOf(client: pg.Client): CancelTarget {
  const { processID, secretKey, ssl, sslNegotiation } = client as unknown as KeyedClient;
  const options = typeof ssl === 'object' && ssl !== null ? (ssl as ConnectionOptions) : {};
  return {
    host: client.host,
    port: client.port,
    tls: ssl === false || ssl === null || ssl === undefined ? undefined : options,
    directTls: sslNegotiation === 'direct',
    processId: processID ?? 0,
    secretKey: secretKey ?? 0,
  };
}
