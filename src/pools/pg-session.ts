import { randomInt } from 'node:crypto';
import { beginStatements, beginText } from './begin-text.js';
import type { QueryResult, TransactionOptions } from './contract.js';
import { EngineSession, type SessionParts } from './engine-session.js';
import { LimitRun } from './limit-run.js';
import { isLimited, limitStepMs } from './limit-steps.js';
import type { LocalLimits } from './local-limits.js';
import { PgSessionEnd } from './pg-session-end.js';
import type { PgWire } from './pg-wire.js';
import { SessionStateError } from './session-guard.js';
import type { SessionLimitValue } from './session-limit.js';
import { BEGIN, beginUnder, openingWith } from './statement.js';

/** Transactions one after the other with the same limit after which the session takes it on, for one more message. */
const SAME_STEPS = 4;

/**
 * Whoever answered so lately is taken to be there still, as it is while a statement runs. Of any other session only its
 * answer to a BEGIN tells, while nothing of the caller's has been sent.
 */
const FRESH_MS = 500;

/** What a PostgreSQL session is made of. */
export interface PgSessionParts extends SessionParts {
  readonly wire: PgWire;
  /** A pooler hands the session on between transactions: then this is the bound of each wait for a lock, 0 for none. */
  readonly sharedLockMs: number | undefined;
  /** The limit of statements that sessions start with, in milliseconds; `Infinity` for none. */
  readonly startLimitMs: number;
  /** The server goes on with a statement although it was told to stop. */
  readonly onStuck: () => void;
}

/** One PostgreSQL session: its own, or one that a pooler shares among many. */
export class PgSession extends EngineSession {
  readonly wire: PgWire;
  readonly ending: PgSessionEnd;
  readonly #sharedLockMs: number | undefined;
  /** Its borrower may have chosen what random() gives. */
  #seeded = false;
  readonly #startLimitMs: number;
  readonly #steps = new LimitRun();

  /** @param parts - Connected; what becomes of the connection is to be passed to `wire` and `ending`. */
  constructor(id: number, parts: PgSessionParts) {
    super(id, parts);
    this.wire = parts.wire;
    this.#sharedLockMs = parts.sharedLockMs;
    this.#startLimitMs = parts.startLimitMs;
    const { onStuck, sharedLockMs } = parts;
    this.ending = new PgSessionEnd(this, parts, { onStuck, shared: sharedLockMs !== undefined });
  }

  override get fresh(): boolean {
    return this.line.quiet && !this.inTransaction && this.parts.clock.nowMs() - this.wire.readyAtMs < FRESH_MS;
  }

  begin(limitMs: number | undefined, options: TransactionOptions | undefined): Promise<void> {
    // Without a limit of its own a transaction runs under the session's, which may be an earlier borrower's.
    const limit = this.#sharedLockMs === undefined ? this.#limitToStand(limitMs) : undefined;
    const terms = limit === undefined ? BEGIN : beginUnder(limit);
    const local = this.#local(limit === undefined ? limitMs : 'session');
    // What it resolves to is nobody's business, and one promise less.
    return this.line.submit(beginText(local, options), undefined, terms) as Promise<unknown> as Promise<void>;
  }

  override beginWith<Row>(
    text: string,
    values: readonly unknown[] | undefined,
    limitMs: number | undefined,
    options: TransactionOptions | undefined,
  ): Promise<QueryResult<Row>> | undefined {
    // A text without values may be several statements, and those have a message of another kind.
    if (!this.fresh || typeof text !== 'string' || text === '') return undefined;
    if (!Array.isArray(values) || values.length === 0) return undefined;
    const nature = this.parts.natures.of(text);
    if (nature.leavesTrace || nature.staying !== undefined) return undefined;
    const limit = this.#sharedLockMs === undefined ? this.#limitToStand(limitMs) : undefined;
    if (limit !== undefined && !this.line.hasLimit(limit)) return undefined;
    const local = this.#local(limit === undefined ? limitMs : 'session');
    return this.line.submit<Row>(text, values, openingWith(beginStatements(local, options), nature));
  }

  protected run<Row>(
    text: string,
    values: readonly unknown[] | undefined,
    limitMs: number | undefined,
  ): Promise<QueryResult<Row>> {
    const { leavesTrace, commits, staying, seeds } = this.parts.natures.of(text);
    if (seeds === true) this.#seeded = true;
    if (this.#sharedLockMs === undefined) {
      return this.line.submit(text, values, { limit: this.#limitFor(limitMs), leavesTrace, commits });
    }
    if (staying !== undefined) return Promise.reject(new SessionStateError(staying));
    // What may leave a trace may also be what has to stand alone, as VACUUM does.
    const local = leavesTrace ? undefined : this.#local(limitMs);
    return this.line.submit(text, values, { local, leavesTrace, commits });
  }

  protected async cleanUp(): Promise<void> {
    if (this.inTransaction) await this.line.roundTrip('ROLLBACK');
    const { dirty, refusedWrite } = this.line;
    // A session that is shared keeps nothing, and what would be cleaned is perhaps another one by now.
    if ((!dirty && !refusedWrite) || this.#sharedLockMs !== undefined) return;
    await this.line.roundTrip('DISCARD ALL');
    if (!this.#seeded) return;
    // What random() gives next is not to be foreseen by whoever has seeded it.
    await this.line.roundTrip(`SELECT setseed(${randomInt(2 ** 47) / 2 ** 47})`);
    this.#seeded = false;
  }

  protected async isReadOnly(): Promise<boolean> {
    const { rows } = await this.line.roundTrip('SHOW transaction_read_only');
    const [row] = rows as readonly { readonly transaction_read_only: string }[];
    return row?.transaction_read_only === 'on';
  }

  protected ask(): Promise<unknown> {
    return this.line.roundTrip('');
  }

  /**
   * The limit under which the session stands, or had better stand from now on, if it does for a transaction with this
   * one: to say it in every transaction costs a tenth of a short one.
   */
  #limitToStand(limitMs: number | undefined): SessionLimitValue | undefined {
    const step = this.#limitFor(limitMs);
    if (step === 'default') return step;
    const lasts = this.#steps.next(step) > SAME_STEPS;
    return lasts || this.line.hasLimit(step) ? step : undefined;
  }

  /** The limit for one statement. What the url set is never loosened by it. */
  #limitFor(limitMs: number | undefined): SessionLimitValue {
    const step = isLimited(limitMs) ? limitStepMs(limitMs) : Number.POSITIVE_INFINITY;
    return step >= this.#startLimitMs ? 'default' : step;
  }

  /** What a transaction sets for itself: `session` leaves statements the limit that the session has. */
  #local(limitMs: number | 'session' | undefined): LocalLimits {
    const lockMs = this.#sharedLockMs ?? 0;
    if (limitMs === 'session') return { statementMs: undefined, lockMs };
    return { statementMs: Math.min(limitMs ?? Number.POSITIVE_INFINITY, this.#startLimitMs), lockMs };
  }
}
