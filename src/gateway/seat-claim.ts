import type { GateTicket } from '../admission/gate.js';
import { deadlineUnreachable, expiredInQueue, expiredOnArrival } from '../core/refusals.js';
import type { Refusal } from '../errors.js';
import type { LaneWaiter } from '../fleet/lane.js';
import type { RouteOutcome } from '../telemetry/route-stats.js';
import type { ClaimLedger } from './claim-ledger.js';
import { LanePass } from './lane-pass.js';
import { rateLimited } from './refusals.js';
import type { RouteRuntime } from './route-runtime.js';
import { adviseOn, adviseOnShed, learnService } from './service-lessons.js';
import type { WorkContext } from './work-contract.js';

/**
 * What one request holds of its route: tokens, a place in the fleet's lane, a place in the queue, a seat. Each is taken
 * once and given back once, and counted in the statistics of the route.
 *
 * A free claim, that of a request in a mode that refuses nothing, holds none of them: it only counts.
 */
export class SeatClaim {
  readonly #route: RouteRuntime;
  readonly #ticket: GateTicket;
  readonly #callerKey: string | undefined;
  readonly #free: boolean;
  readonly #ledger: ClaimLedger;
  /** Absent where the route has no lane, and for shadows: what others hold does not depend on them. */
  readonly #lane: LanePass | undefined;
  /** Whether tokens were taken and not given back. */
  #charged = false;
  #queueWaitMs = 0;
  /** Whether it was counted among those that waited. */
  #waited = false;
  /** Seats in use when it got its own. */
  #found = 0;

  constructor(
    { mode }: Pick<WorkContext, 'mode'>,
    route: RouteRuntime,
    ticket: GateTicket,
    callerKey: string | undefined,
    ledger: ClaimLedger = route.stats,
    waiter?: LaneWaiter,
  ) {
    this.#route = route;
    this.#ticket = ticket;
    this.#callerKey = callerKey;
    this.#free = mode !== 'enforce';
    this.#ledger = ledger;
    const { lane } = route;
    if (lane !== undefined && waiter !== undefined && !this.#free) {
      this.#lane = new LanePass(lane, route, ticket, waiter);
    }
    ledger.arrive();
  }

  /** How long the request was queued before it was granted or refused, in milliseconds. */
  get queueWaitMs(): number {
    return this.#queueWaitMs;
  }

  /** Takes tokens and asks for a seat. A refusal ends the claim. */
  enter(nowMs: number): 'leased' | 'queued' | Refusal {
    if (this.#free) return this.#enterFreely(nowMs);
    return this.#settle(
      nowMs,
      this.#lateOnArrival(nowMs) ?? this.#charge(nowMs) ?? this.#lane?.ask(nowMs) ?? this.#seat(nowMs),
    );
  }

  /** Whether the place in the lane comes too late. */
  tooLate(nowMs: number): boolean {
    return this.#lane?.late(nowMs) === true;
  }

  /** The place in the lane is there: asks for a seat. A refusal ends the claim. */
  goOn(nowMs: number): 'leased' | 'queued' | Refusal {
    this.#lane?.entered();
    return this.#settle(nowMs, this.#seat(nowMs));
  }

  #seat(nowMs: number): 'leased' | 'queued' | Refusal {
    return this.#route.gate?.enter(nowMs, this.#ticket) ?? this.#lease(nowMs);
  }

  #settle(nowMs: number, arrival: 'leased' | 'queued' | Refusal): 'leased' | 'queued' | Refusal {
    if (arrival === 'leased') this.granted(nowMs);
    else if (arrival !== 'queued') this.refuse(nowMs, arrival);
    else if (!this.#waited) {
      this.#waited = true;
      this.#ledger.enqueue();
    }
    return arrival;
  }

  /** The seat is there. */
  granted(nowMs: number): void {
    this.#queueWaitMs = this.#queuedMs(nowMs);
    this.#found = this.#route.gate?.bulkhead.inFlight ?? 0;
    this.#ledger.admit(this.#queueWaitMs, this.#ticket.deadlineAtMs - nowMs);
  }

  /** Counts a refusal, and gives back what was taken. */
  refuse(nowMs: number, refusal: Refusal): void {
    this.#queueWaitMs = this.#queuedMs(nowMs);
    this.#refund(nowMs);
    this.#lane?.leave(nowMs);
    this.#ticket.state = 'ended';
    this.#ledger.shedWith(refusal.code, refusal);
    this.#route.stats.lastRefusals.add(nowMs, refusal);
    adviseOnShed(nowMs, this.#route, refusal.code);
  }

  /** The last instant at which a queued request can still start and be done in time, as far as can be predicted. */
  latestStartMs(nowMs: number): number {
    if (this.#lane?.waiting === true) return this.#lane.latestStartMs(nowMs);
    return this.#route.gate?.bulkhead.givesUpAtMs(nowMs, this.#ticket) ?? this.#ticket.deadlineAtMs;
  }

  /** Why a request that cannot be done in time any more is given up: in the queue, or while its body still comes. */
  giveUp(nowMs: number): Refusal {
    const { name, times } = this.#route;
    const ticket = this.#ticket;
    if (this.#lane?.waiting === true) return this.#lane.refusal(nowMs);
    if (ticket.state === 'new') return expiredOnArrival(nowMs, ticket);
    const refusal =
      nowMs >= ticket.deadlineAtMs
        ? expiredInQueue(nowMs, ticket)
        : deadlineUnreachable(name, ticket.deadlineAtMs - nowMs, 0, times.p90(nowMs));
    this.#route.gate?.bulkhead.withdraw(nowMs, ticket);
    return refusal;
  }

  /** Ends the claim of a request that nobody waits for any more. False for one that was granted. */
  abandon(nowMs: number): boolean {
    const ticket = this.#ticket;
    if (ticket.state !== 'new' && ticket.state !== 'queued') return false;
    this.#route.gate?.bulkhead.withdraw(nowMs, ticket);
    this.#refund(nowMs);
    this.#lane?.leave(nowMs);
    ticket.state = 'ended';
    this.#ledger.abandon();
    return true;
  }

  /**
   * Gives the seat of a granted request back, or its claim to another where it gave one up for a time.
   *
   * @param cutShort - The work was stopped: it tells only how long it would have taken at least.
   * @param stalledMs - For how long nobody could have seen its end: an answer that came meanwhile is not late.
   * @param waitedMs - For how long it waited for what a seat would have brought with it.
   * @returns How long it held its seat, in milliseconds.
   */
  end(nowMs: number, outcome: RouteOutcome, cutShort: boolean, stalledMs: number, waitedMs: number = 0): number {
    const ticket = this.#ticket;
    const { stats, pool, name, gate } = this.#route;
    const heldMs = ticket.heldBeforeMs + (ticket.state === 'leased' ? nowMs - ticket.leasedAtMs - waitedMs : 0);
    stats.end(outcome, heldMs);
    const stoodMs = gate?.bulkhead.stoodStillMs(nowMs, ticket) ?? 0;
    const tookMs = Math.max(0, heldMs - Math.max(stalledMs, stoodMs));
    pool?.tuning?.ended(nowMs, name, tookMs, outcome);
    adviseOn(nowMs, this.#route, outcome, tookMs, this.#queueWaitMs, this.#found);
    if (!this.#free) learnService(nowMs, this.#route, tookMs, cutShort);
    this.leave(nowMs);
    return heldMs;
  }

  /** Gives the seat back, or the place in the queue for another. */
  leave(nowMs: number): void {
    const ticket = this.#ticket;
    const { gate } = this.#route;
    const seated = ticket.state === 'leased' && !this.#free;
    if (!seated) gate?.bulkhead.withdraw(nowMs, ticket);
    if (seated && gate !== undefined) gate.leave(nowMs, ticket);
    else ticket.state = 'ended';
    this.#lane?.leave(nowMs);
  }

  #queuedMs(nowMs: number): number {
    const sinceMs = this.#lane?.sinceMs || this.#ticket.queuedAtMs;
    return sinceMs === 0 ? 0 : nowMs - sinceMs;
  }

  /** Takes the tokens, or says why not. */
  #charge(nowMs: number): Refusal | undefined {
    const { rate, name } = this.#route;
    const over = rate?.take(nowMs, this.#callerKey, 1, this.#ticket.rank);
    if (over !== undefined) return rateLimited(name, over);
    this.#charged = true;
    return undefined;
  }

  /** Gives the tokens back: nothing was started. */
  #refund(nowMs: number): void {
    if (!this.#charged) return;
    this.#charged = false;
    this.#route.rate?.refund(nowMs, this.#callerKey, 1);
  }

  #lateOnArrival(nowMs: number): Refusal | undefined {
    return nowMs < this.#ticket.deadlineAtMs ? undefined : expiredOnArrival(nowMs, this.#ticket);
  }

  #enterFreely(nowMs: number): 'leased' {
    this.#ledger.admit(0);
    return this.#lease(nowMs);
  }

  /** Where there is no gate, nobody has to give a seat. */
  #lease(nowMs: number): 'leased' {
    this.#ticket.state = 'leased';
    this.#ticket.leasedAtMs = nowMs;
    return 'leased';
  }
}
