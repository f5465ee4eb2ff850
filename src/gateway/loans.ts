import type { BreakerPass, PoolBreaker } from '../breaker/pool-breaker.js';
import type { Clock } from '../clock.js';
import { type AcquireRequest, type Connection, OutageGivenUpError } from '../pools/contract.js';
import { AnsweredError, breakerOpen, type Place } from './failures.js';
import { Loan } from './loan.js';
import type { PoolRuntime } from './pool-runtime.js';
import type { SessionOwner } from './session-owner.js';
import { Hands, keptInHand } from './standing-hands.js';
import { tellNoConnection } from './tell-failure.js';
import { WorkOutcome } from './work-outcome.js';

/** Told when a connection was given back: how long it was lent, and whether its work was stopped. */
export type LoanListener = (nowMs: number, ms: number, cutShort: boolean) => void;

/** The connections of one pool in the hands of one request: borrowed while it goes on, taken back when it ends. */
export class Loans {
  readonly runtime: PoolRuntime;
  readonly owner: SessionOwner;
  readonly clock: Clock;
  /** What can be told about the effects of all that these connections did. */
  readonly work: WorkOutcome = new WorkOutcome();
  readonly #loans = new Set<Loan>();
  /** Those of its requests for connections that wait. */
  readonly #asking = new Set<AcquireRequest>();
  /** Absent before it first asks for one while it keeps another in hand. */
  #hands: Hands | undefined;
  /** Whether the shadow was told of a wait that is not over. */
  #waits = false;
  #closed = false;
  #closedAtMs = 0;
  #closedBy: Error | undefined;

  constructor(runtime: PoolRuntime, owner: SessionOwner, clock: Clock) {
    this.runtime = runtime;
    this.owner = owner;
    this.clock = clock;
    if (owner.shadow !== undefined) owner.shadow.onCut = (nowMs) => this.#cutInShadow(nowMs);
  }

  /** What a failure tells of where it was met. */
  get place(): Place {
    return { route: this.owner.route.name, pool: this.runtime.pool.name };
  }

  /** True while no connection is borrowed or asked for. */
  get idle(): boolean {
    return this.#loans.size === 0 && this.#asking.size === 0;
  }

  /** Whether a connection is out that is not on its way back. */
  get keeps(): boolean {
    for (const loan of this.#loans) if (!loan.returned) return true;
    return false;
  }

  /** True once {@link close} was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /** When {@link close} was called first. */
  get closedAtMs(): number {
    return this.#closedAtMs;
  }

  /** True while a COMMIT is on its way: nothing may be stopped now. */
  get committing(): boolean {
    for (const loan of this.#loans) if (loan.committing) return true;
    return false;
  }

  /**
   * For how long the request has had a connection in its hands without a statement that runs, in milliseconds;
   * `undefined` where it has none, or is at work on another or waits for one.
   */
  idleInHandMs(nowMs: number): number | undefined {
    if (this.#asking.size > 0) return undefined;
    let idleMs: number | undefined;
    for (const loan of this.#loans) {
      if (loan.returned || loan.committing || loan.connection.busy) return undefined;
      idleMs = Math.max(idleMs ?? 0, loan.idleMs(nowMs));
    }
    return idleMs;
  }

  /** Refuses those of its requests for connections that wait. */
  giveUpWaiting(): void {
    this.runtime.pool.giveUp(this.#asking);
  }

  /** Made only when somebody asks, for its stack and because most requests never do. */
  whyClosed(): Error {
    return this.#closedBy ?? new AnsweredError(this.owner.route.name);
  }

  /**
   * Borrows a connection within the time left, if the breaker lets it: at once, without a promise, where one is free.
   *
   * @throws SluiceError - or rejects with one.
   */
  borrow(): Loan | Promise<Loan> {
    if (this.#closed) throw this.whyClosed();
    const seated = this.owner.seatAgain();
    if (seated !== undefined) return seated.then(() => this.borrow());
    const { pool, breaker } = this.runtime;
    const nowMs = this.clock.nowMs();
    const pass = breaker && this.#enter(breaker, nowMs);
    if (breaker !== undefined && pass === undefined) {
      throw breakerOpen(this.place, breaker.retryAfterMs(nowMs, this.owner.rank), breaker, this.work.outcome);
    }
    const free = pool.tryAcquire();
    if (free === undefined) return this.#wait(nowMs, pass);
    this.owner.watch?.acquired(0);
    return this.#lend(nowMs, free, pass);
  }

  async #wait(sinceMs: number, pass: BreakerPass | undefined): Promise<Loan> {
    const { watch } = this.owner;
    watch?.wait(sinceMs);
    const connection = await this.#acquire().catch((error) => {
      pass?.settle('neutral');
      watch?.waited(sinceMs, this.clock.nowMs(), error);
      throw error;
    });
    const nowMs = this.clock.nowMs();
    watch?.waited(sinceMs, nowMs);
    return this.#lend(nowMs, connection, pass);
  }

  #lend(nowMs: number, connection: Connection, pass: BreakerPass | undefined): Loan {
    const loan = new Loan(connection, pass, this.clock, nowMs);
    this.#loans.add(loan);
    this.#noteWait();
    if (this.#closed) {
      this.giveBack(loan);
      throw this.whyClosed();
    }
    return loan;
  }

  /**
   * Returns a connection, once. The loan counts until the connection is idle again or destroyed.
   *
   * @param text - The only statement that it was borrowed for, if so.
   */
  giveBack(loan: Loan, text?: string): void {
    if (loan.returned) return;
    loan.returned = true;
    if (!this.#closed && loan.leavesTrace) this.#returnDirty(text);
    this.#tellLent(loan);
    loan.back = loan.connection.release();
    loan.settle();
    this.#hands?.note();
    void loan.back.then(() => {
      this.#loans.delete(loan);
      this.#noteWait();
      if (this.idle) this.owner.onIdle();
    });
  }

  #returnDirty(text: string | undefined): void {
    const { name, stats } = this.owner.route;
    stats.returnDirty();
    if (text !== undefined) this.runtime.undone.note(name, text);
  }

  /** Resolves when every connection that was given back is idle again or destroyed. */
  async settled(): Promise<void> {
    await Promise.all(Array.from(this.#loans, ({ back }) => back));
  }

  /** A statement failed while its owner still wanted it. */
  noteFailure(error: unknown): void {
    if (!this.#closed) this.runtime.tuning?.statementFailed(error);
  }

  /**
   * Ends the work: takes everything back but what is committing, so that what runs is cancelled and rolled back. What is
   * asked for later rejects with `reason`; without one, because the request has been answered.
   */
  close(reason?: Error): void {
    const nowMs = this.clock.nowMs();
    if (!this.#closed) this.#closedAtMs = nowMs;
    this.#closed = true;
    this.#closedBy ??= reason;
    for (const loan of this.#loans) {
      if (loan.committing) continue;
      loan.stopped(nowMs, this.owner.route.config.deadlineMs);
      this.giveBack(loan);
    }
  }

  /**
   * Destroys what is still out. A COMMIT that was sent is not cancelled by that: the server brings it to its end, only
   * nobody waits for its answer any more.
   */
  abandon(): void {
    for (const loan of this.#loans) {
      loan.connection.destroy();
      this.giveBack(loan);
    }
  }

  #enter(breaker: PoolBreaker, nowMs: number): BreakerPass | undefined {
    const { shadow, deadlineAtMs, rank } = this.owner;
    return shadow === undefined ? breaker.enter(nowMs, deadlineAtMs, rank) : shadow.enterBreaker(breaker, nowMs);
  }

  /** Tells a shadow when its request begins to wait for a connection and holds none, and when that is over. */
  #noteWait(): void {
    const { shadow } = this.owner;
    const waits = this.#asking.size > 0 && this.#loans.size === 0;
    if (shadow === undefined || waits === this.#waits) return;
    this.#waits = waits;
    if (waits) shadow.pause(this.clock.nowMs());
    else shadow.resume(this.clock.nowMs());
  }

  /** The request would be stopped here: the breaker hears what it would hear, and nothing after. */
  #cutInShadow(nowMs: number): void {
    for (const loan of this.#loans) {
      if (loan.committing) continue;
      loan.stopped(nowMs, this.owner.route.config.deadlineMs);
      loan.settle();
    }
  }

  #tellLent(loan: Loan): void {
    const { onLoanEnd } = this.runtime;
    const { watch } = this.owner;
    if (onLoanEnd === undefined && watch === undefined) return;
    const nowMs = this.clock.nowMs();
    watch?.released(nowMs - loan.sinceMs);
    onLoanEnd?.(nowMs, nowMs - loan.sinceMs, this.#closed);
  }

  #handsOf(): Hands {
    this.#hands ??= new Hands(this.#loans, this.runtime.standing);
    return this.#hands;
  }

  async #acquire(): Promise<Connection> {
    const { deadlineAtMs, rank, endsWithOutage } = this.owner;
    const { pool, waits } = this.runtime;
    const request: AcquireRequest = { deadlineAtMs, rank };
    const hands = keptInHand(this.#loans) === 0 ? undefined : this.#handsOf();
    hands?.wait(this.owner.route.name, this.runtime);
    this.#asking.add(request);
    this.#noteWait();
    try {
      if (!endsWithOutage) return await pool.acquire(request);
      if (waits.givenUp(this.clock.nowMs())) throw new OutageGivenUpError(pool.name);
      return await waits.during(request, pool.acquire(request));
    } catch (error) {
      throw tellNoConnection(error, this);
    } finally {
      this.#asking.delete(request);
      hands?.waited();
      this.#noteWait();
      if (this.#closed && this.idle) this.owner.onIdle();
    }
  }
}
