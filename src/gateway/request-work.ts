import type { Deadline } from '../admission/deadline-timer.js';
import type { GateClient } from '../admission/gate.js';
import { type PriorityRank, TOP_RANK } from '../core/priority.js';
import { Ticket } from '../core/ticket.js';
import type { Refusal } from '../errors.js';
import type { LaneWaiter } from '../fleet/lane.js';
import { type RequestWatch, watchOf } from '../telemetry/request-watch.js';
import { type HandledRequest, HandlerWork } from './handler-work.js';
import { type EndingRequest, RequestEnd } from './request-end.js';
import type { RequestWishes } from './route-entry.js';
import type { RouteRuntime } from './route-runtime.js';
import { SeatClaim } from './seat-claim.js';
import { Shadow } from './shadow.js';
import type { ShadowedWork } from './shadow-lease.js';
import type { WorkContext, WorkHost } from './work-contract.js';

/**
 * One request from its ticket to the end of its seat: what it asks for on the way in. How it ends once it is admitted is
 * told in {@link RequestEnd}.
 */
export class RequestWork implements GateClient, LaneWaiter, Deadline, HandledRequest, ShadowedWork, EndingRequest {
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
  /** Absent until its end is near: what is refused, or waits, needs none. */
  #ownEnd: RequestEnd | undefined;

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
    return this.#endHasCome || this.ticket.state === 'ended';
  }

  get #endHasCome(): boolean {
    return this.#ownEnd?.come === true;
  }

  get #end(): RequestEnd {
    this.#ownEnd ??= new RequestEnd(this.#context, this.#host, this, this.#claim);
    return this.#ownEnd;
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
    if (this.handler.steppedOut) return this.#end.seatRefused(nowMs, refusal);
    this.refused(nowMs, refusal);
    this.#host.refuse(refusal);
  }

  onDue(nowMs: number): void {
    const { ticket } = this;
    if (ticket.state === 'ended') return;
    const waits = ticket.state === 'new' || (ticket.state === 'queued' && !this.handler.steppedOut);
    if (waits) this.onShed(nowMs, this.#claim.giveUp(nowMs));
    else this.#end.due(nowMs);
  }

  onIdle(): void {
    if (this.#endHasCome) this.#end.endSeat(this.#context.clock.nowMs());
  }

  /** The handler's answer is complete; `failed` when it tells of an error of the server. */
  complete(nowMs: number, outcome: 'succeeded' | 'failed'): void {
    if (!this.#endHasCome && !this.#leftUnadmitted(nowMs)) this.#end.complete(nowMs, outcome);
  }

  /** The process ends, and its handler does not. */
  drained(nowMs: number): void {
    this.#end.drained(nowMs);
  }

  /** Nobody waits for the answer any more. */
  clientGone(nowMs: number): void {
    if (!this.#endHasCome && !this.#leftUnadmitted(nowMs)) this.#end.clientGone(nowMs);
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
}
