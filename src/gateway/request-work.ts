import type { Deadline } from '../admission/deadline-timer.js';
import type { GateClient } from '../admission/gate.js';
import { type PriorityRank, TOP_RANK } from '../core/priority.js';
import { Ticket } from '../core/ticket.js';
import type { Refusal, SluiceError } from '../errors.js';
import type { LaneWaiter } from '../fleet/lane.js';
import { type RequestWatch, watchOf } from '../telemetry/request-watch.js';
import type { RouteOutcome } from '../telemetry/route-stats.js';
import { ClientGoneError, deadlineExpired, noSeatAgain, stoppedByDrain } from './failures.js';
import { type HandledRequest, HandlerWork } from './handler-work.js';
import type { RequestWishes } from './route-entry.js';
import type { RouteRuntime } from './route-runtime.js';
import { SeatClaim } from './seat-claim.js';
import { Shadow } from './shadow.js';
import type { ShadowedWork } from './shadow-lease.js';
import type { WorkContext, WorkHost } from './work-contract.js';

/** A streamed answer outlasts its deadline: looks whether it needs its seat. */
const STREAM_LOOK_MS = 1_000;

/**
 * One request from its ticket to the end of its seat. The seat ends exactly once: when the answer is complete, or will
 * never come, and every connection of the request is idle again or destroyed.
 */
export class RequestWork implements GateClient, LaneWaiter, Deadline, HandledRequest, ShadowedWork {
  readonly route: RouteRuntime;
  readonly ticket: Ticket<GateClient>;
  /** Whose bucket is charged, where the route has buckets per caller. */
  readonly callerKey: string | undefined;
  /** In mode `observe`: what mode `enforce` would do with it. */
  readonly shadow: Shadow | undefined;
  /** Absent where nobody listens to the diagnostics channels, or wants its times. */
  readonly watch: RequestWatch | undefined;
  /** What its handler may use, and has running. */
  readonly handler: HandlerWork;
  dueAtMs = 0;
  heapIndex = -1;
  /** The work inside which this one runs, and which keeps its seats meanwhile. */
  parent: RequestWork | undefined;
  readonly #context: WorkContext;
  readonly #host: WorkHost;
  readonly #claim: SeatClaim;
  /** Set once, when the answer is complete or nobody waits for one any more. */
  #ending: RouteOutcome | undefined;
  #clientGone = false;
  #graceUsed = false;

  constructor(
    context: WorkContext,
    route: RouteRuntime,
    host: WorkHost,
    rank: PriorityRank,
    { callerKey, tenant, seats = route.config.cost }: Pick<RequestWishes, 'callerKey' | 'tenant' | 'seats'>,
    arrivedAtMs: number,
    deadlineAtMs: number,
  ) {
    this.#context = context;
    this.route = route;
    this.#host = host;
    this.callerKey = callerKey;
    const enforced = context.mode === 'enforce' ? deadlineAtMs : Number.POSITIVE_INFINITY;
    const cost = Number.isInteger(seats) && seats >= 1 ? seats : route.config.cost;
    this.ticket = new Ticket<GateClient>(this, route, rank, arrivedAtMs, enforced, tenant, cost);
    this.watch = watchOf(route, this.ticket, host.timed);
    this.handler = new HandlerWork(context, this);
    this.#claim = new SeatClaim(context, route, this.ticket, callerKey, this.watch ?? route.stats, this);
    this.shadow =
      context.mode === 'observe' ? new Shadow(context, route, this.ticket, deadlineAtMs, callerKey, this) : undefined;
  }

  /** In the modes that refuse nothing, connections are waited for first come first served. */
  get rank(): PriorityRank {
    return this.#context.mode === 'enforce' ? this.ticket.rank : TOP_RANK;
  }

  get endsWithOutage(): boolean {
    return this.#context.mode === 'enforce';
  }

  /** `Infinity` also once a streamed answer has begun: its deadline is met. */
  get deadlineAtMs(): number {
    return this.streaming ? Number.POSITIVE_INFINITY : this.ticket.deadlineAtMs;
  }

  /** Whether the answer has begun, on a route that streams. */
  get streaming(): boolean {
    return this.route.config.stream && this.#host.streaming();
  }

  /** True while a COMMIT is on its way: nothing may be stopped now. */
  get committing(): boolean {
    return this.handler.committing;
  }

  get queueWaitMs(): number {
    return this.#claim.queueWaitMs;
  }

  /** True once the answer is complete, a refusal too, or nobody waits for one. */
  get answered(): boolean {
    return this.#ending !== undefined || this.ticket.state === 'ended';
  }

  /** This work and those inside which it runs, from the inside out. */
  *lineage(): Iterable<RequestWork> {
    for (let work: RequestWork | undefined = this; work !== undefined; work = work.parent) yield work;
  }

  seatAgain(): Promise<void> | undefined {
    return this.handler.seatAgain();
  }

  /** Counts a refusal, and gives back what was taken for the request. */
  refused(nowMs: number, refusal: Refusal): void {
    this.#context.timer.clear(this);
    this.#claim.refuse(nowMs, refusal);
  }

  /** The body is still coming: it has until the deadline, and holds nothing meanwhile. */
  awaitBody(nowMs: number): void {
    this.#context.timer.set(this, this.ticket.deadlineAtMs, nowMs);
    this.shadow?.awaitBody(nowMs);
  }

  /** Takes tokens and asks for a seat. `leased`: the handler may run at once; `queued`: the host will be told. */
  enter(nowMs: number): 'leased' | 'queued' | Refusal {
    this.shadow?.enter(nowMs);
    return this.#arrived(nowMs, this.#claim.enter(nowMs));
  }

  /** The place in the fleet's lane is there; a seat is not yet. */
  onPlace(nowMs: number): boolean {
    if (this.#claim.tooLate(nowMs)) {
      this.onShed(nowMs, this.#claim.giveUp(nowMs));
      return false;
    }
    const arrival = this.#arrived(nowMs, this.#claim.goOn(nowMs));
    if (arrival === 'leased') this.#host.proceed(nowMs);
    else if (arrival !== 'queued') this.#host.refuse(arrival);
    return true;
  }

  #arrived(nowMs: number, arrival: 'leased' | 'queued' | Refusal): 'leased' | 'queued' | Refusal {
    if (arrival === 'leased') this.#context.timer.set(this, this.ticket.deadlineAtMs, nowMs);
    else if (arrival === 'queued') this.#context.timer.set(this, this.#claim.latestStartMs(nowMs), nowMs);
    else this.#context.timer.clear(this);
    return arrival;
  }

  onLease(nowMs: number): void {
    this.#context.timer.set(this, this.ticket.deadlineAtMs, nowMs);
    if (this.handler.steppedOut) return this.handler.endBreak();
    this.#claim.granted(nowMs);
    this.#host.proceed(nowMs);
  }

  onShed(nowMs: number, refusal: Refusal): void {
    if (this.handler.steppedOut) return this.#seatRefused(nowMs, refusal);
    this.refused(nowMs, refusal);
    this.#host.refuse(refusal);
  }

  onDue(nowMs: number): void {
    const { ticket } = this;
    const { timer } = this.#context;
    if (ticket.state === 'ended') return;
    const waits = ticket.state === 'new' || (ticket.state === 'queued' && !this.handler.steppedOut);
    if (waits) this.onShed(nowMs, this.#claim.giveUp(nowMs));
    else if (this.#ending === undefined) this.#deadlinePassed(nowMs);
    // The answer is out, and connections are not back.
    else timer.set(this, this.handler.reclaim(nowMs), nowMs);
  }

  onIdle(): void {
    if (this.#ending !== undefined) this.#endSeat(this.#context.clock.nowMs());
  }

  /** The handler's answer is complete; `failed` when it tells of an error of the server. */
  complete(nowMs: number, outcome: 'succeeded' | 'failed'): void {
    if (this.#ending !== undefined || this.#leftUnadmitted(nowMs)) return;
    const ending = outcome === 'failed' && this.handler.late ? 'expired' : outcome;
    this.#ending = this.#clientGone ? 'abandoned' : ending;
    this.route.stats.respond(nowMs - this.ticket.arrivedAtMs);
    this.#endSeat(nowMs);
  }

  /** The process ends, and its handler does not. One that has begun to answer is cut off with its connection. */
  drained(nowMs: number): void {
    const { state } = this.ticket;
    if (this.#ending !== undefined || this.streaming || (state !== 'leased' && state !== 'away')) return;
    this.#cutShort(nowMs, stoppedByDrain(this.route.name, this.handler.outcome));
  }

  /** Nobody waits for the answer any more. */
  clientGone(nowMs: number): void {
    if (this.#ending !== undefined || this.#leftUnadmitted(nowMs)) return;
    this.#clientGone = true;
    this.shadow?.clientGone(nowMs);
    if (this.route.config.onDisconnect === 'finish') return;
    this.#ending = 'abandoned';
    this.handler.stop(new ClientGoneError());
    this.#endSeat(nowMs);
  }

  /**
   * Ends a request before its admission: its client left, or somebody else answered it (a parser, a timeout in front of
   * the guard). False for one that was admitted.
   */
  #leftUnadmitted(nowMs: number): boolean {
    if (this.ticket.state === 'ended') return true;
    if (this.handler.steppedOut || !this.#claim.abandon(nowMs)) return false;
    this.#context.timer.clear(this);
    this.shadow?.clientGone(nowMs);
    return true;
  }

  #deadlinePassed(nowMs: number): void {
    const { config } = this.route;
    if (this.streaming) {
      this.handler.rest();
      this.#context.timer.set(this, nowMs + STREAM_LOOK_MS, nowMs);
      return;
    }
    if (this.committing && !this.#graceUsed) {
      this.#graceUsed = true;
      this.#context.timer.set(this, nowMs + config.commitGraceMs, nowMs);
      return;
    }
    this.handler.warnOfIdleness(nowMs);
    this.#cutShort(nowMs, deadlineExpired(this.route.name, this.ticket.allowedMs, this.handler.outcome));
  }

  /** The request gave its seat up for a time, and does not get another. */
  #seatRefused(nowMs: number, refusal: Refusal): void {
    // Shed from the queue it counts as ended there, but it was admitted, and has its own end still before it.
    this.ticket.state = 'away';
    if (refusal.code === 'deadline_expired' && !this.streaming) this.#deadlinePassed(nowMs);
    else this.#cutShort(nowMs, noSeatAgain(refusal, this.handler.outcome));
  }

  /** Answers for the handler, and stops what it is doing. */
  #cutShort(nowMs: number, error: SluiceError): void {
    this.handler.failedWith(nowMs, error);
    this.#ending = this.handler.late ? 'expired' : 'failed';
    this.route.stats.respond(nowMs - this.ticket.arrivedAtMs);
    this.handler.stop(error);
    this.#host.expire(error);
    this.#endSeat(nowMs);
  }

  /** Ends the seat if nothing of the request is left. */
  #endSeat(nowMs: number): void {
    const { ticket } = this;
    const { timer } = this.#context;
    if (this.#ending === undefined || ticket.state === 'ended') return;
    if (!this.handler.idle) {
      timer.set(this, this.handler.reclaimAtMs(nowMs), nowMs);
      return;
    }
    timer.clear(this);
    const cutShort = this.handler.stopped || this.#ending === 'expired';
    const stalledMs = this.shadow?.stalledMs(nowMs) ?? this.#context.lag.stalledMs(ticket.leasedAtMs, nowMs);
    const heldMs = this.#claim.end(nowMs, this.#ending, cutShort, stalledMs, this.shadow?.waitedMs(nowMs));
    this.watch?.end(this.#ending, heldMs);
    this.shadow?.workEnded(nowMs, cutShort);
    if (this.handler.over) this.handler.close();
  }
}
