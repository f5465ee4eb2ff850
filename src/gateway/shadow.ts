import type { Deadline } from '../admission/deadline-timer.js';
import type { GateClient, GateTicket } from '../admission/gate.js';
import type { BreakerPass, PoolBreaker } from '../breaker/pool-breaker.js';
import { PRIORITY_RANKS } from '../core/priority.js';
import { Ticket } from '../core/ticket.js';
import type { Refusal } from '../errors.js';
import type { RouteRuntime } from './route-runtime.js';
import { SeatClaim } from './seat-claim.js';
import { type ShadowedWork, ShadowLease } from './shadow-lease.js';
import { type ShadowFate, ShadowLedger } from './shadow-ledger.js';
import { ShadowService } from './shadow-service.js';
import type { WorkContext } from './work-contract.js';

/** A call that the breaker would never have seen. */
const UNHEARD: BreakerPass = { settle: () => {} };

/**
 * What mode `enforce` would do with one request, while mode `observe` lets the request go on unhindered. The shadow
 * takes tokens, waits in the queue and holds a seat like a request that is enforced upon, so that buckets, queues and
 * service times evolve as if they were.
 *
 * The request itself starts at once. How long it is served is known when it ends; a shadow that gets its seat at `t`
 * holds it until `t` + that time, or to the deadline: see {@link ShadowLease}.
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
  readonly #ledger: ShadowLedger;
  readonly #claim: SeatClaim;
  readonly #service: ShadowService;
  /** Seats that the work gave back early. */
  #givenBack = 0;
  readonly #lease: ShadowLease;

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
    this.#ledger = new ShadowLedger(route.stats);
    this.#service = new ShadowService(context.lag);
    this.ticket = new Ticket<GateClient>(this, route, rank, arrivedAtMs, deadlineAtMs, tenant, seats);
    this.#claim = new SeatClaim({ mode: 'enforce' }, route, this.ticket, callerKey, this.#ledger);
    this.#lease = new ShadowLease({
      context,
      route,
      work,
      deadline: this,
      ticket: this.ticket,
      claim: this.#claim,
      ledger: this.#ledger,
      service: this.#service,
      onCut: (nowMs) => this.onCut?.(nowMs),
    });
  }

  /** What became of it so far, as it is counted. */
  get fate(): ShadowFate | undefined {
    return this.#ledger.fate;
  }

  /** What can be told of its fate: also what will only be counted when its work ends. */
  fateAt(nowMs: number): ShadowFate | undefined {
    return this.#lease.late(nowMs) ? { kind: 'shed', code: 'deadline_expired' } : this.fate;
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
    if (arrival === 'leased') this.#lease.arm(nowMs);
    else if (arrival === 'queued') {
      this.#ledger.predict(this.#predictedWaitMs());
      timer.set(this, this.#claim.latestStartMs(nowMs), nowMs);
    } else timer.clear(this);
  }

  onLease(nowMs: number): void {
    this.#claim.granted(nowMs);
    this.#lease.arm(nowMs);
    if (this.#givenBack > 0) this.#route.gate?.giveBack(nowMs, this.ticket, this.#givenBack);
  }

  onShed(nowMs: number, refusal: Refusal): void {
    this.#context.timer.clear(this);
    this.#claim.refuse(nowMs, refusal);
    this.onCut?.(nowMs);
  }

  onDue(nowMs: number): void {
    const { state } = this.ticket;
    if (state === 'leased') this.#lease.due(nowMs);
    else if (state !== 'ended') this.onShed(nowMs, this.#claim.giveUp(nowMs));
  }

  /** A wait begins for which a request that is enforced upon would have had no seat. */
  pause(nowMs: number): void {
    this.#service.pause(nowMs);
    if (this.ticket.state === 'leased') this.#lease.arm(nowMs);
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

  /** For how much of its service nobody could have seen its end, in milliseconds. */
  stalledMs(nowMs: number): number {
    return this.#service.stalledMs(nowMs);
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
    if (cutShort) this.clientGone(nowMs);
    this.#lease.workEnded(nowMs, cutShort);
  }

  /** Asks the breaker for a call of the work. A call that would not have been made does not count there. */
  enterBreaker(breaker: PoolBreaker, nowMs: number): BreakerPass {
    const { fate, ticket } = this;
    if (fate?.kind === 'shed') return UNHEARD;
    if (breaker.state === 'open' && ticket.state === 'leased') {
      this.#lease.cut(nowMs, 'breaker_open');
      return UNHEARD;
    }
    return breaker.enter(nowMs, ticket.deadlineAtMs, ticket.rank) ?? UNHEARD;
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
}
