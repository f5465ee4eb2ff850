import type { GateTicket } from '../admission/gate.js';
import type { Outcome, Refusal } from '../errors.js';
import { DatabaseSession } from './database-session.js';
import { reclaim, reclaimAtMs } from './reclaim.js';
import { withoutPool, withoutSeat } from './refusals.js';
import { aroundShadow, SeatBreak } from './seat-break.js';
import { SeatRest } from './seat-rest.js';
import type { SessionOwner } from './session-owner.js';
import type { RetryingRequest } from './transaction-retry.js';
import type { WorkContext } from './work-contract.js';

/** The request whose handler works. */
export interface HandledRequest extends SessionOwner {
  readonly ticket: GateTicket;
  /** True once the answer is complete, or nobody waits for one. */
  readonly answered: boolean;
}

/**
 * What a handler may use of its admitted request, and has running: its database work, its seat, and whatever listens to
 * its signal. All of it is stopped together.
 */
export class HandlerWork implements RetryingRequest {
  readonly #context: WorkContext;
  readonly #request: HandledRequest;
  #session: DatabaseSession | undefined;
  #controller: AbortController | undefined;
  #stoppedBy: Error | undefined;
  #break: SeatBreak | undefined;
  #rest: SeatRest | undefined;
  /** It has asked something else than the database, and said so. */
  #elsewhere = false;
  #late = false;

  constructor(context: WorkContext, request: HandledRequest) {
    this.#context = context;
    this.#request = request;
  }

  get answered(): boolean {
    return this.#request.answered;
  }

  get deadlineAtMs(): number {
    return this.#request.deadlineAtMs;
  }

  /**
   * Aborted when the deadline runs out or the client leaves. Made when first asked for: an AbortController costs
   * microseconds, and most handlers ask for none.
   */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#stoppedBy !== undefined) this.#controller.abort(this.#stoppedBy);
    return this.#controller.signal;
  }

  /** The database work; there is none before it is first asked for. */
  get session(): DatabaseSession {
    const { pool, name } = this.#request.route;
    if (pool === undefined) throw withoutPool(name);
    if (this.#break !== undefined) throw withoutSeat();
    if (this.#session === undefined) {
      this.#session = new DatabaseSession(pool, this.#request, this.#context.clock);
      if (this.#elsewhere) this.#session.loans.work.wentElsewhere();
    }
    if (this.over && !this.#session.loans.closed) this.close();
    return this.#session;
  }

  /** True while no connection is borrowed or asked for. */
  get idle(): boolean {
    return this.#session === undefined || this.#session.loans.idle;
  }

  /** What it asks the pool for, and has not, is refused: its database has been away for too long. */
  giveUpWaiting(): void {
    this.#session?.loans.giveUpWaiting();
  }

  /** True while a COMMIT is on its way: nothing may be stopped now. */
  get committing(): boolean {
    return this.#session?.loans.committing === true;
  }

  /** What may be told of the work so far: only the database's can be known, so that done elsewhere may have taken effect. */
  get outcome(): Outcome {
    if (this.#elsewhere || this.#request.route.pool === undefined) return 'unknown';
    return this.#session?.loans.work.outcome ?? 'not_started';
  }

  /** Whether the work was cut short. */
  get stopped(): boolean {
    return this.#stoppedBy !== undefined;
  }

  /** Whether its time was up: the server, which knows the deadline too, may stop a statement before we do. */
  get late(): boolean {
    return this.#late;
  }

  /** Counts the error that the handler has failed with, which becomes the answer. */
  failedWith(nowMs: number, refusal: Refusal): void {
    const { stats } = this.#request.route;
    stats.answerWith(refusal.code);
    stats.lastRefusals.add(nowMs, refusal);
    if (refusal.code === 'deadline_expired') this.#late = true;
  }

  /** Whether work that is begun now would come after the answer, and run without a seat. */
  get over(): boolean {
    const ended = this.#request.ticket.state === 'ended' && this.#context.mode === 'enforce';
    return ended || this.stopped;
  }

  /** Resolves when every connection that was given back is idle again or destroyed. */
  async settled(): Promise<void> {
    if (this.#request.route.pool !== undefined && !this.steppedOut) await this.session.loans.settled();
  }

  /** Seats that the request holds. */
  get seats(): number {
    const { ticket, route } = this.#request;
    return ticket.state === 'leased' && route.gate !== undefined ? ticket.heldSeats : 0;
  }

  /** Returns seats of a request that turned out to cost less; it keeps one at least. Returns how many it returned. */
  giveBack(seats: number): number {
    const { clock, mode } = this.#context;
    const { ticket, route, shadow } = this.#request;
    shadow?.giveBack(clock.nowMs(), seats);
    if (route.gate === undefined || ticket.state !== 'leased' || mode !== 'enforce') return 0;
    return route.gate.giveBack(clock.nowMs(), ticket, seats);
  }

  /** Whether the seat is given up for a time. */
  get steppedOut(): boolean {
    return this.#break !== undefined || this.#rest !== undefined;
  }

  /** Whether it holds a seat and no connection, so that it can give the seat up for a time. */
  get mayStepOut(): boolean {
    return !this.steppedOut && this.#request.ticket.state === 'leased' && this.idle;
  }

  /** Gives the seat up while `work` does something elsewhere, of which nobody here hears, and comes back likewise. */
  outside<T>(work: () => Promise<T>): Promise<T> {
    this.#elsewhere = true;
    this.#session?.loans.work.wentElsewhere();
    return this.stepAside(work);
  }

  /** Gives the seat up while `work` waits, and comes back at the head of the class. */
  async stepAside<T>(work: () => Promise<T>): Promise<T> {
    const { clock, mode } = this.#context;
    const { ticket, route, shadow } = this.#request;
    if (route.gate === undefined || mode !== 'enforce') return aroundShadow(clock, shadow, work);
    if (this.#rest !== undefined) return work();
    // What was given back may still be rolled back or cleaned.
    if (this.#session?.loans.keeps === false && !this.idle) await this.settled();
    if (!this.idle) throw new Error('outside() needs every connection of the request to be given back first');
    if (ticket.state !== 'leased') throw new Error('outside() needs a request that holds its seat');
    this.#break = new SeatBreak(route.gate, ticket, clock);
    try {
      return await this.#break.around(work);
    } finally {
      this.#break = undefined;
    }
  }

  /** The seat is back that was given up for a time, or never will be. */
  endBreak(): void {
    this.#break?.end();
    this.#rest?.end();
  }

  /** Its client reads a streamed answer: gives the seat up, unless it has the database at work, until it wants that again. */
  rest(): void {
    const { clock, mode } = this.#context;
    const { route, ticket } = this.#request;
    if (route.pool === undefined || route.gate === undefined || mode !== 'enforce' || !this.mayStepOut) return;
    this.#rest = new SeatRest(new SeatBreak(route.gate, ticket, clock));
  }

  /** See {@link SessionOwner.seatAgain}. */
  seatAgain(): Promise<void> | undefined {
    return this.#rest?.wake().then(() => {
      this.#rest = undefined;
    });
  }

  /** Warns of a handler that has answered nothing by its deadline, though nobody kept it from that: it may never do. */
  warnOfIdleness(nowMs: number): void {
    const idleness = this.steppedOut ? undefined : this.#idleness(nowMs);
    if (idleness === undefined) return;
    const { name: route, stats } = this.#request.route;
    stats.noteSilence();
    const text = `route "${route}": a handler had not answered at its deadline, and ${idleness}`;
    this.#context.warn(
      'handler_silent',
      `${text}; see that each way through it ends, and release()s, and that it does not wait for the same seats by ` +
        'gateway.run(): the run() of its own handle refuses that at once; further ones are only counted (silentHandlers)',
      { route },
    );
  }

  /**
   * What the handler was seen to do when its deadline passed, where that was nothing: it is stuck, or has forgotten to
   * answer. `undefined` where the database worked for it, or it waited for that. The place in the code where it borrowed
   * is not told: to note it costs microseconds for each loan, several times as much as the loan.
   */
  #idleness(nowMs: number): string | undefined {
    if (this.idle) return 'the database did nothing for it';
    const heldMs = this.#session?.loans.idleInHandMs(nowMs);
    if (heldMs === undefined) return undefined;
    return `it kept a connection that it had not used for ${Math.round(heldMs)} ms`;
  }

  /** Cuts everything short. */
  stop(reason: Error): void {
    this.#stoppedBy = reason;
    this.#controller?.abort(reason);
    this.close();
  }

  /** Lets no more database work begin. */
  close(): void {
    this.#session?.loans.close(this.#stoppedBy);
    this.endBreak();
  }

  /** When the connections that are kept after the answer are to be taken back; `Infinity` for never. */
  reclaimAtMs(nowMs: number): number {
    if (this.#session === undefined) return Number.POSITIVE_INFINITY;
    return reclaimAtMs(nowMs, this.#session.loans, this.#request.ticket.deadlineAtMs);
  }

  /** Takes them back; see {@link reclaim}. Returns when to call again; `Infinity` for never. */
  reclaim(nowMs: number): number {
    if (this.#session === undefined) return Number.POSITIVE_INFINITY;
    return reclaim(nowMs, this.#session.loans, this.#request.route, this.#context.warn);
  }
}
