import type { Deadline } from '../admission/deadline-timer.js';
import type { GateTicket } from '../admission/gate.js';
import type { RouteRuntime } from './route-runtime.js';
import type { SeatClaim } from './seat-claim.js';
import { learnService } from './service-lessons.js';
import type { ShadowLedger } from './shadow-ledger.js';
import type { ShadowService } from './shadow-service.js';
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

/** What a lease of a shadow works on. */
export interface ShadowLeaseParts {
  readonly context: WorkContext;
  readonly route: RouteRuntime;
  readonly ticket: GateTicket;
  readonly claim: SeatClaim;
  readonly ledger: ShadowLedger;
  readonly service: ShadowService;
  readonly work: ShadowedWork;
  /** The shadow itself, which is told when {@link ShadowLease.due} is to be called. */
  readonly deadline: Deadline;
  /** The request would be stopped now. */
  onCut(nowMs: number): void;
}

/**
 * The seat of a shadow, from when it gets it: held for as long as the real work is served, or to the deadline. Work that
 * waits for a connection can fall behind its shadow: then the seat is held for as long as another service of the route was,
 * and what its own was is learnt later. (For the mean, queues would be shorter than those of services that differ.)
 */
export class ShadowLease {
  readonly #parts: ShadowLeaseParts;
  /** How long the work was served, once it is done. */
  #servedMs: number | undefined;
  /** For how long of that nobody could have seen its end: an answer that came meanwhile is not late. */
  #stalledMs = 0;
  #graceUsed = false;
  /** The answer is complete, or has begun where that is enough. */
  #deadlineMet = false;
  /** How long the seat is held where its work is behind: as long as another service of the route was. */
  #assumedMs: number | undefined;
  /** The seat was released on an estimate, and the work goes on. */
  #estimated = false;
  /** The work has ended behind its shadow: its fate is told, and the seat is held for as long as was assumed. */
  #told = false;

  constructor(parts: ShadowLeaseParts) {
    this.#parts = parts;
  }

  /** Sets the timer to when the seat is to be looked at again, or ends the lease where that is now. */
  arm(nowMs: number): void {
    const { context, deadline } = this.#parts;
    const dueAtMs = Math.min(this.#endAtMs(nowMs), this.#deadlineAtMs);
    if (this.#servedMs !== undefined && dueAtMs <= nowMs + ROUNDING_MS) this.due(nowMs);
    else context.timer.set(deadline, Math.max(nowMs, dueAtMs), nowMs);
  }

  /** The timer fell due while the seat is held. */
  due(nowMs: number): void {
    const endAtMs = this.#endAtMs(nowMs);
    if (this.#told) this.#leaveAt(nowMs, Math.min(endAtMs, this.#deadlineAtMs));
    else if (endAtMs <= Math.min(nowMs + ROUNDING_MS, this.#deadlineAtMs)) this.#endInTime(nowMs);
    else if (nowMs < this.#deadlineAtMs) this.arm(nowMs);
    else this.#deadlinePassed(nowMs);
  }

  /** The request would be answered with an error now, and what it still does be stopped. */
  cut(nowMs: number, code: 'deadline_expired' | 'breaker_open'): void {
    const { context, ledger, ticket, onCut } = this.#parts;
    this.#stalledMs = context.lag.stalledMs(ticket.leasedAtMs, nowMs);
    ledger.shedWith(code);
    this.#end(nowMs, nowMs - ticket.leasedAtMs, code === 'deadline_expired');
    onCut(nowMs);
  }

  /**
   * Whether the work, which goes on behind its shadow, has been served for so long already that the shadow would have been
   * cut at its deadline: counted once the work ends, and true before.
   */
  late(nowMs: number): boolean {
    const { route, service, ticket } = this.#parts;
    if (!this.#estimated || route.config.stream) return false;
    return ticket.leasedAtMs + service.servedMs(nowMs) > ticket.deadlineAtMs;
  }

  /** The real work has ended; the seat may be held, still to be had, or free again. */
  workEnded(nowMs: number, cutShort: boolean): void {
    const { route, service, ticket } = this.#parts;
    const servedMs = service.servedMs(nowMs);
    const leased = ticket.state === 'leased';
    this.#stalledMs = service.stalledMs(nowMs);
    // Also of work that would have been refused: nobody knew how long it would take.
    if (!cutShort) route.times.remember(Math.max(0, servedMs - this.#stalledMs));
    if (this.#estimated) this.#learnLate(nowMs, servedMs, cutShort);
    else if (leased && cutShort) this.#end(nowMs, Math.min(servedMs, nowMs - ticket.leasedAtMs), true);
    else if (leased && this.#assumedMs !== undefined && this.#behindAtMs(nowMs) <= nowMs) {
      // Its own service instead of the one that was assumed, wherever it is the shorter, would make all of them shorter.
      this.#learnLate(nowMs, servedMs, false);
      this.#told = true;
    } else this.#servedMs = servedMs;
    if (leased && !cutShort) this.arm(nowMs);
  }

  get #deadlineAtMs(): number {
    return this.#deadlineMet ? Number.POSITIVE_INFINITY : this.#parts.ticket.deadlineAtMs;
  }

  /** When the seat would be free again; `Infinity` while only the end of the work will tell. */
  #endAtMs(nowMs: number): number {
    const { route, ticket } = this.#parts;
    const { leasedAtMs, expectedHoldMs } = ticket;
    if (this.#servedMs !== undefined) return leasedAtMs + this.#servedMs;
    // Where nothing was known of the route, there is nothing to estimate by.
    if (expectedHoldMs === 0) return Number.POSITIVE_INFINITY;
    this.#assumedMs ??= route.times.recall() ?? expectedHoldMs;
    return Math.max(leasedAtMs + this.#assumedMs, this.#behindAtMs(nowMs));
  }

  #behindAtMs(nowMs: number): number {
    const { service, ticket } = this.#parts;
    return service.behindAtMs(nowMs, ticket.leasedAtMs, SLACK * ticket.expectedHoldMs);
  }

  #endInTime(nowMs: number): void {
    if (this.#servedMs === undefined) this.#release(nowMs);
    else this.#end(nowMs, this.#servedMs, false);
  }

  #deadlinePassed(nowMs: number): void {
    const { context, deadline, route, work } = this.#parts;
    const runs = this.#servedMs === undefined;
    if (work.streaming || (runs && work.answered)) {
      this.#deadlineMet = true;
      this.arm(nowMs);
    } else if (runs && work.committing && !this.#graceUsed) {
      this.#graceUsed = true;
      context.timer.set(deadline, nowMs + route.config.commitGraceMs, nowMs);
    } else if (runs && this.#behindAtMs(nowMs) <= nowMs) {
      // Whether it would have been late is known when its own service is.
      this.#release(nowMs);
    } else {
      this.cut(nowMs, 'deadline_expired');
    }
  }

  #end(nowMs: number, servedMs: number, cutShort: boolean): void {
    this.#learn(nowMs, servedMs, cutShort);
    this.#leave(nowMs);
  }

  /** Frees the seat on an estimate. */
  #release(nowMs: number): void {
    this.#estimated = true;
    this.#leave(nowMs);
  }

  #leaveAt(nowMs: number, atMs: number): void {
    if (atMs <= nowMs + ROUNDING_MS) this.#leave(nowMs);
    else this.#parts.context.timer.set(this.#parts.deadline, atMs, nowMs);
  }

  #leave(nowMs: number): void {
    const { claim, context, deadline } = this.#parts;
    context.timer.clear(deadline);
    claim.leave(nowMs);
  }

  /** The work that was behind has ended, so it is known whether its shadow would have been in time. */
  #learnLate(nowMs: number, servedMs: number, cutShort: boolean): void {
    this.#estimated = false;
    const { ledger, ticket, work } = this.#parts;
    const { leasedAtMs, deadlineAtMs } = ticket;
    const late = leasedAtMs + servedMs > deadlineAtMs && !work.streaming;
    if (late) ledger.shedWith('deadline_expired');
    this.#learn(nowMs, late ? deadlineAtMs - leasedAtMs : servedMs, late || cutShort);
  }

  #learn(nowMs: number, servedMs: number, cutShort: boolean): void {
    learnService(nowMs, this.#parts.route, Math.max(0, servedMs - this.#stalledMs), cutShort);
  }
}
