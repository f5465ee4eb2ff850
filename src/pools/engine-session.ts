import type { Timer } from '../clock.js';
import { unanswered } from './connection-ended.js';
import type { BeginOptions, QueryResult } from './contract.js';
import type { Session } from './session.js';
import type { SessionEnd, SessionEndParts } from './session-end.js';
import type { StatementNatures } from './session-trace.js';
import { COMMIT, ROLLBACK, type Terms } from './statement.js';
import type { StatementLine } from './statement-line.js';
import { timeLimit } from './time-limit.js';

/** From the call to cancel, or to restore, until the session must be certain of its state. */
export const CERTAINTY_LIMIT_MS = 1_000;

/** The same from then on, where the server has shown that it is there and only takes its time. */
const SLOW_STOP_LIMIT_MS = 4_000;

/** What a session is made of, and what those of one pool share. */
export interface SessionParts extends SessionEndParts {
  readonly natures: StatementNatures;
  /** The statement that does nothing. */
  readonly nothing: string;
}

/**
 * One session of any engine: what stops its statements, and what cleans up after them. How it says things is the
 * engine's business.
 *
 * A cancel is aimed at a session, not at a statement, and may arrive late. After one, nothing is sent until it is
 * delivered, its victim has settled, and one round trip that does nothing has caught a late arrival.
 */
export abstract class EngineSession implements Session {
  readonly id: number;
  protected readonly parts: SessionParts;
  protected readonly line: StatementLine;

  /** @param id - Numbers it within the process. */
  constructor(id: number, parts: SessionParts) {
    this.id = id;
    this.parts = parts;
    this.line = parts.line;
  }

  get alive(): boolean {
    return this.line.ended === undefined;
  }

  get busy(): boolean {
    return this.line.busy;
  }

  get inTransaction(): boolean {
    return this.parts.wire.status !== 'I';
  }

  get clean(): boolean {
    const { quiet, dirty, refusedWrite } = this.line;
    return quiet && !dirty && !refusedWrite && !this.inTransaction && this.alive;
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
    return this.run(text, values, limitMs);
  }

  abstract begin(limitMs: number | undefined, options: BeginOptions | undefined): Promise<void>;

  /** Not with every engine. */
  get fresh(): boolean {
    return false;
  }

  beginWith<Row>(
    _text: string,
    _values: readonly unknown[] | undefined,
    _limitMs: number | undefined,
    _options: BeginOptions | undefined,
  ): Promise<QueryResult<Row>> | undefined {
    return undefined;
  }

  commit(terms: Terms = COMMIT): Promise<boolean> {
    return this.line.submit('COMMIT', undefined, terms).then(({ command }) => command === 'COMMIT');
  }

  async rollback(): Promise<void> {
    if (this.line.quiet && !this.inTransaction) return;
    await this.line.submit('ROLLBACK', undefined, ROLLBACK);
  }

  cancel(): void {
    if (this.line.stopCurrent()) this.#stop();
  }

  async restore(): Promise<boolean> {
    const { line } = this;
    const limit = this.#certainty();
    try {
      line.refuseQueued(new Error('the connection was released before this statement was sent'));
      this.cancel();
      await line.whenQuiet();
      const { dirty, refusedWrite } = line;
      await this.cleanUp();
      if (dirty || refusedWrite) line.cleaned();
      // What is still read-only without the borrower's own settings is so by the server's will.
      if (refusedWrite && (await this.isReadOnly())) this.parts.owner.onReadOnly();
    } catch {
      this.ending.end();
    } finally {
      limit.cancel();
    }
    if (!this.clean) this.ending.end();
    return this.alive;
  }

  async validate(limitMs: number): Promise<boolean> {
    const limit = timeLimit(this.parts.clock, limitMs, () => this.ending.lose(unanswered()));
    try {
      await this.ask();
    } catch (error) {
      // Stopped at its limit it has been answered all the same.
      if (!this.line.isStopped(error)) this.ending.lose(error);
    } finally {
      limit.cancel();
    }
    return this.alive;
  }

  retire(): void {
    this.ending.retire();
  }

  destroy(): void {
    this.ending.destroy();
  }

  hurry(): void {
    this.ending.hurry();
  }

  /** Told what becomes of the connection. */
  abstract readonly ending: SessionEnd;

  /** Runs a statement whose text and values are of the right kind. */
  protected abstract run<Row>(
    text: string,
    values: readonly unknown[] | undefined,
    limitMs: number | undefined,
  ): Promise<QueryResult<Row>>;

  /** Ends an open transaction, and puts back what statements may have changed in the session. */
  protected abstract cleanUp(): Promise<void>;

  /** Whether the server takes no writes. */
  protected abstract isReadOnly(): Promise<boolean>;

  /** Asks the server for a sign of life. Resolves once it has given one. */
  protected abstract ask(): Promise<unknown>;

  #stop(): void {
    this.line.hold();
    const limit = this.#certainty();
    const settled = new Promise<void>((resolve) => this.parts.wire.whenComplete(resolve));
    void settled.then(() => this.ending.onVictimOver());
    void Promise.all([this.ending.cancel(), settled])
      // This may itself be hit by the late cancel; that it came back is all that counts.
      .then(() => this.line.roundTrip(this.parts.nothing).catch(() => undefined))
      .then(() => {
        limit.cancel();
        this.ending.onStopped();
        this.line.resume();
      });
  }

  #certainty(): Timer {
    const { clock } = this.parts;
    let timer = timeLimit(clock, CERTAINTY_LIMIT_MS, () => {
      if (this.ending.serverAnswers) timer = timeLimit(clock, SLOW_STOP_LIMIT_MS, () => this.ending.end());
      else this.ending.giveUp();
    });
    return { cancel: () => timer.cancel() };
  }
}
