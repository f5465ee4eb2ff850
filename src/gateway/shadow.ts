import type { Deadline } from '../admission/deadline-timer.js';
import type { GateClient, GateTicket } from '../admission/gate.js';
import type { BreakerPass, PoolBreaker } from '../breaker/pool-breaker.js';
import { PRIORITY_RANKS } from '../core/priority.js';
import { Ticket } from '../core/ticket.js';
import type { Refusal } from '../errors.js';
import type { RouteRuntime } from './route-runtime.js';
import { SeatClaim } from './seat-claim.js';
import { type ShadowFate, ShadowLedger } from './shadow-ledger.js';
import { ShadowService } from './shadow-service.js';
import type { WorkContext } from './work-contract.js';

/** What a shadow looks at in the work that it belongs to. */
export interface ShadowedWork {
  /** Whether the answer has begun on a route that streams. */
  readonly streaming: boolean;
  /** Whether the answer is complete. */
  readonly answered: boolean;
  /** Whether a COMMIT is on its way. */
  readonly committing: boolean;
}

/** Instants that are added and subtracted are rounded; a timer for less than this is not worth setting. */
const ROUNDING_MS = 1e-6;

/** Work that is behind its shadow by no more than this part of a service still tells best when the shadow is done. */
const SLACK = 1 / 8;

/** A call that the breaker would never have seen. */
const UNHEARD: BreakerPass = { settle: () => {} };

/**
 * What mode `enforce` would do with one request, while mode `observe` lets the request go on unhindered. The shadow
 * takes tokens, waits in the queue and holds a seat like a request that is enforced upon, so that buckets, queues and
 * service times evolve as if they were.
 *
 * The request itself starts at once. How long it is served is known when it ends; a shadow that gets its seat at `t`
 * holds it until `t` + that time, or to the deadline. A request that has to wait for a connection can fall behind its
 * shadow: then the seat is held for the mean of the route, and what the service really was is learnt later.
 *
 * Nothing here asks the seats or the service times anything that a request would not ask: they keep what they work out,
 * and would decide otherwise afterwards.
 */
export class Shadow implements GateClient, Deadline {
  readonly ticket: GateTicket;
  dueAtMs = 0;
  heapIndex = -1;
  /** Called when the request would have been stopped while it runs: from now on nobody hears of its database work. */
  onCut: ((nowMs: number) => void) | undefined;
  readonly #context: WorkContext;
  readonly #route: RouteRuntime;
  readonly #work: ShadowedWork;
  readonly #ledger: ShadowLedger;
  readonly #claim: SeatClaim;
  readonly #service = new ShadowService();
  /** How long the work was served, once it is done. */
  #servedMs: number | undefined;
  /** For how long of that nobody could have seen its end: an answer that came meanwhile is not late. */
  #stalledMs = 0;
  /** Seats that the work gave back early. */
  #givenBack = 0;
  #graceUsed = false;
  /** The answer is complete, or has begun where that is enough. */
  #deadlineMet = false;
  /** The seat was released on an estimate, and the work goes on. */
  #estimated = false;

  /** @param model - The ticket of the request, but for its deadline. */
  constructor(
    context: WorkContext,
    route: RouteRuntime,
    model: GateTicket,
    deadlineAtMs: number,
    callerKey: string | undefined,
    work: ShadowedWork,
  ) {
    const { rank, arrivedAtMs, tenant, seats } = model;
    this.#context = context;
    this.#route = route;
    this.#work = work;
    this.#ledger = new ShadowLedger(route.stats);
    this.ticket = new Ticket<GateClient>(this, route, rank, arrivedAtMs, deadlineAtMs, tenant, seats);
    this.#claim = new SeatClaim({ mode: 'enforce' }, route, this.ticket, callerKey, this.#ledger);
  }

  /** What became of it so far. */
  get fate(): ShadowFate | undefined {
    return this.#ledger.fate;
  }

  /** The body is still coming. */
  awaitBody(nowMs: number): void {
    if (this.ticket.state === 'new') this.#context.timer.set(this, this.ticket.deadlineAtMs, nowMs);
  }

  /** The request starts: its shadow takes tokens and asks for a seat, unless it was shed before. */
  enter(nowMs: number): void {
    const { timer } = this.#context;
    this.#service.start(nowMs);
    if (this.ticket.state !== 'new') return;
    const arrival = this.#claim.enter(nowMs);
    if (arrival === 'leased') this.#arm(nowMs);
    else if (arrival === 'queued') {
      this.#ledger.predict(this.#predictedWaitMs());
      timer.set(this, this.#claim.latestStartMs(nowMs), nowMs);
    } else timer.clear(this);
  }

  onLease(nowMs: number): void {
    this.#claim.granted(nowMs);
    this.#arm(nowMs);
    if (this.#givenBack > 0) this.#route.gate?.giveBack(nowMs, this.ticket, this.#givenBack);
  }

  onShed(nowMs: number, refusal: Refusal): void {
    this.#context.timer.clear(this);
    this.#claim.refuse(nowMs, refusal);
    this.onCut?.(nowMs);
  }

  onDue(nowMs: number): void {
    const { state } = this.ticket;
    if (state === 'leased') this.#leaseDue(nowMs);
    else if (state !== 'ended') this.onShed(nowMs, this.#claim.giveUp(nowMs));
  }

  /** A wait begins for which a request that is enforced upon would have had no seat. */
  pause(nowMs: number): void {
    this.#service.pause(nowMs);
    if (this.ticket.state === 'leased') this.#arm(nowMs);
  }

  resume(nowMs: number): void {
    this.#service.resume(nowMs);
  }

  /** The work returns seats early. */
  giveBack(nowMs: number, seats: number): void {
    if (this.ticket.state === 'leased') this.#route.gate?.giveBack(nowMs, this.ticket, seats);
    else this.#givenBack += seats;
  }

  /** For how long the request was not served since it started, in milliseconds. */
  waitedMs(nowMs: number): number {
    return this.#service.waitedMs(nowMs);
  }

  /** The client left, or somebody else answered: a request that would still wait leaves the queue. */
  clientGone(nowMs: number): void {
    if (this.#claim.abandon(nowMs)) this.#context.timer.clear(this);
  }

  /**
   * The real work has ended.
   *
   * @param cutShort - It was stopped because nobody waits for it any more.
   */
  workEnded(nowMs: number, cutShort: boolean): void {
    const { state, leasedAtMs } = this.ticket;
    const servedMs = this.#service.servedMs(nowMs);
    this.#stalledMs = this.#context.lag.stalledMs(this.#service.startedAtMs, nowMs);
    if (this.#estimated) this.#learnLate(nowMs, servedMs, cutShort);
    else if (!cutShort) this.#served(nowMs, servedMs);
    else if (state === 'leased') this.#end(nowMs, Math.min(servedMs, nowMs - leasedAtMs), true);
    else this.clientGone(nowMs);
  }

  /** Asks the breaker for a call of the work. A call that would not have been made does not count there. */
  enterBreaker(breaker: PoolBreaker, nowMs: number): BreakerPass {
    const { fate, ticket } = this;
    if (fate?.kind === 'shed') return UNHEARD;
    if (breaker.state === 'open' && ticket.state === 'leased') {
      this.#cut(nowMs, 'breaker_open');
      return UNHEARD;
    }
    return breaker.enter(nowMs, ticket.deadlineAtMs, ticket.rank) ?? UNHEARD;
  }

  #served(nowMs: number, servedMs: number): void {
    this.#servedMs = servedMs;
    if (this.ticket.state === 'leased') this.#arm(nowMs);
  }

  /** Everybody who is no less important goes first, and a seat is freed so many times in a service as there are seats. */
  #predictedWaitMs(): number {
    const { gate } = this.#route;
    const { rank, expectedMs } = this.ticket;
    if (gate === undefined) return 0;
    let queued = 0;
    for (const other of PRIORITY_RANKS) if (other <= rank) queued += gate.bulkhead.queuedOf(other);
    return (queued * expectedMs) / Math.max(1, gate.bulkhead.seats);
  }

  get #deadlineAtMs(): number {
    return this.#deadlineMet ? Number.POSITIVE_INFINITY : this.ticket.deadlineAtMs;
  }

  /** Sets the timer to when the seat is to be looked at again, or ends the lease where that is now. */
  #arm(nowMs: number): void {
    const dueAtMs = Math.min(this.#endAtMs(nowMs), this.#deadlineAtMs);
    if (this.#servedMs !== undefined && dueAtMs <= nowMs + ROUNDING_MS) this.#leaseDue(nowMs);
    else this.#context.timer.set(this, Math.max(nowMs, dueAtMs), nowMs);
  }

  /** When the seat would be free again; `Infinity` while only the end of the work will tell. */
  #endAtMs(nowMs: number): number {
    const { leasedAtMs, expectedHoldMs } = this.ticket;
    if (this.#servedMs !== undefined) return leasedAtMs + this.#servedMs;
    // Where nothing was known of the route, there is nothing to estimate by.
    if (expectedHoldMs === 0) return Number.POSITIVE_INFINITY;
    return Math.max(leasedAtMs + expectedHoldMs, this.#behindAtMs(nowMs));
  }

  #behindAtMs(nowMs: number): number {
    const { leasedAtMs, expectedHoldMs } = this.ticket;
    return this.#service.behindAtMs(nowMs, leasedAtMs, SLACK * expectedHoldMs);
  }

  #leaseDue(nowMs: number): void {
    const endAtMs = this.#endAtMs(nowMs);
    if (endAtMs <= Math.min(nowMs + ROUNDING_MS, this.#deadlineAtMs)) this.#endInTime(nowMs);
    else if (nowMs < this.#deadlineAtMs) this.#arm(nowMs);
    else this.#deadlinePassed(nowMs);
  }

  #endInTime(nowMs: number): void {
    if (this.#servedMs === undefined) this.#release(nowMs);
    else this.#end(nowMs, this.#servedMs, false);
  }

  #deadlinePassed(nowMs: number): void {
    const work = this.#work;
    const runs = this.#servedMs === undefined;
    if (work.streaming || (runs && work.answered)) {
      this.#deadlineMet = true;
      this.#arm(nowMs);
    } else if (runs && work.committing && !this.#graceUsed) {
      this.#graceUsed = true;
      this.#context.timer.set(this, nowMs + this.#route.config.commitGraceMs, nowMs);
    } else if (runs && this.#behindAtMs(nowMs) <= nowMs) {
      // Whether it would have been late is known when its own service is.
      this.#release(nowMs);
    } else {
      this.#cut(nowMs, 'deadline_expired');
    }
  }

  /** The request would be answered with an error now, and what it still does be stopped. */
  #cut(nowMs: number, code: 'deadline_expired' | 'breaker_open'): void {
    const { leasedAtMs } = this.ticket;
    this.#stalledMs = this.#context.lag.stalledMs(leasedAtMs, nowMs);
    this.#ledger.shedWith(code);
    this.#end(nowMs, nowMs - leasedAtMs, code === 'deadline_expired');
    this.onCut?.(nowMs);
  }

  #end(nowMs: number, servedMs: number, cutShort: boolean): void {
    this.#context.timer.clear(this);
    this.#learn(nowMs, servedMs, cutShort);
    this.#claim.leave(nowMs);
  }

  /** Frees the seat on an estimate. */
  #release(nowMs: number): void {
    this.#estimated = true;
    this.#context.timer.clear(this);
    this.#claim.leave(nowMs);
  }

  /** The work that was behind has ended, so it is known whether its shadow would have been in time. */
  #learnLate(nowMs: number, servedMs: number, cutShort: boolean): void {
    this.#estimated = false;
    const { leasedAtMs, deadlineAtMs } = this.ticket;
    const late = leasedAtMs + servedMs > deadlineAtMs && !this.#work.streaming;
    if (late) this.#ledger.shedWith('deadline_expired');
    this.#learn(nowMs, late ? deadlineAtMs - leasedAtMs : servedMs, late || cutShort);
  }

  #learn(nowMs: number, servedMs: number, cutShort: boolean): void {
    this.#claim.learn(nowMs, Math.max(0, servedMs - this.#stalledMs), cutShort);
  }
}
