import { rankOf } from '../core/priority.js';
import { deadlineUnreachable, expiredInQueue } from '../core/refusals.js';
import type { Ticket } from '../core/ticket.js';
import type { Refusal } from '../errors.js';
import type { Agenda } from './agenda.js';
import type { Call, Ending } from './call.js';
import { DatabaseWork } from './database-work.js';
import type { Scenario } from './scenario.js';
import type { SimulatedPool } from './simulated-pool.js';
import type { Tally } from './tally.js';

/** Told before and after some of the decisions, to measure what they cost. */
export interface DecisionProbe {
  begin(): void;
  end(): void;
}

/** One in so many decisions is measured: the clock would cost more than they do. */
const PROBE_EVERY = 64;

/** Told of every call that was refused, lost or late: its client may try again. */
type OnFailure = (nowMs: number, call: Call, refusal: Refusal | undefined) => void;

/**
 * The way of a call through the gateway: the steps of the gateway's own path of a request, in its order (preflight,
 * rate, seat, queue, work, release), each of which asks the policy of the product.
 */
export class CallPath {
  readonly #agenda: Agenda;
  readonly #tally: Tally;
  readonly #probe: DecisionProbe | undefined;
  readonly #onFailure: OnFailure;
  readonly #work: DatabaseWork;
  readonly #reclaimRank: number | undefined;
  #decisions = 0;
  #open = 0;

  constructor(
    scenario: Scenario,
    agenda: Agenda,
    tally: Tally,
    probe: DecisionProbe | undefined,
    onFailure: OnFailure,
  ) {
    this.#agenda = agenda;
    this.#tally = tally;
    this.#probe = probe;
    this.#onFailure = onFailure;
    this.#reclaimRank = scenario.reclaim && rankOf(scenario.reclaim.class);
    this.#work = new DatabaseWork(scenario.cancelAtDeadline, agenda, (nowMs, call, ending, cutShort, answeredAtMs) =>
      this.release(nowMs, call, ending, cutShort, answeredAtMs),
    );
  }

  /** Calls that are counted and have not ended. */
  get open(): number {
    return this.#open;
  }

  /** A call arrives. */
  enter(nowMs: number, call: Call): void {
    const { pool } = call.route;
    this.#tally.offer(call);
    if (this.#tally.counts(call)) this.#open++;
    const probe = this.#decisions++ % PROBE_EVERY === 0 ? this.#probe : undefined;
    probe?.begin();
    const arrival = this.#decide(nowMs, call);
    probe?.end();
    if (arrival === 'queued') this.#queue(nowMs, call);
    else if (arrival === 'leased') this.#start(nowMs, call);
    else this.shed(nowMs, call, arrival);
    // An arrival may have ended the waiting of another: evicted or displaced it.
    if (pool !== undefined) this.handOut(nowMs, pool);
  }

  /** Gives free seats to those that wait, and tells those that are shed. */
  handOut(nowMs: number, { policy }: SimulatedPool): void {
    for (let ticket = policy.next(nowMs); ticket !== undefined; ticket = policy.next(nowMs)) {
      if (ticket.refusal === undefined) this.#start(nowMs, ticket.owner);
      else this.shed(nowMs, ticket.owner, ticket.refusal);
    }
  }

  /** The client of a call goes away. */
  leave(nowMs: number, call: Call): void {
    const { route, ticket, caller } = call;
    if (call.ended) return;
    if (ticket.state !== 'queued') {
      if (route.cancelOnDisconnect) this.release(nowMs, call, 'left', true, nowMs);
      return;
    }
    route.pool?.policy.withdraw(nowMs, ticket);
    route.pool?.shares.queue(nowMs, route.rank, -1);
    route.refund(nowMs, caller);
    this.#end(nowMs, call, 'left', 0);
  }

  /** Ends the work of a call, gives its seat back and hands it on. */
  release(nowMs: number, call: Call, ending: Ending, cutShort: boolean, answeredAtMs: number = nowMs): void {
    const { route, ticket } = call;
    const { pool } = route;
    const heldMs = nowMs - ticket.leasedAtMs;
    const tookMs = Math.max(0, heldMs - (pool?.policy.stoodStillMs?.(nowMs, ticket) ?? 0));
    // An outage tells nothing of the route.
    if (pool?.policy.outage?.down !== true) {
      if (cutShort) route.times.recordCensored(nowMs, tookMs);
      else route.times.record(nowMs, tookMs);
    }
    pool?.tuner?.ended(nowMs, route.name, tookMs, ending);
    this.#end(answeredAtMs, call, ending, heldMs);
    this.#work.freeLock(nowMs, call);
    if (pool === undefined) return;
    pool.running.delete(call);
    pool.shares.lease(nowMs, route.rank, -call.seats);
    pool.policy.release(nowMs, ticket);
    this.handOut(nowMs, pool);
  }

  /** Refuses a call, and gives back what was taken for it. */
  shed(nowMs: number, call: Call, refusal: Refusal): void {
    const { route, caller } = call;
    if (call.wasQueued) {
      route.pool?.shares.queue(nowMs, route.rank, -1);
      this.#noteWait(nowMs, call);
    }
    if (call.charged) route.refund(nowMs, caller);
    call.ticket.state = 'ended';
    this.#end(nowMs, call, 'shed', 0, refusal);
  }

  #decide(nowMs: number, call: Call): 'leased' | 'queued' | Refusal {
    const { route, ticket, caller } = call;
    const timeLeftMs = ticket.deadlineAtMs - nowMs;
    if (timeLeftMs <= 0) return deadlineUnreachable(route.name, timeLeftMs, 0, route.times.p50(nowMs));
    const refusal = route.pool?.policy.preflight(nowMs, ticket) ?? route.take(nowMs, caller);
    if (refusal !== undefined) return refusal;
    call.charged = true;
    return route.pool?.policy.arrive(nowMs, ticket) ?? leaseWithoutPool(nowMs, ticket);
  }

  #queue(nowMs: number, call: Call): void {
    const { ticket, route } = call;
    call.wasQueued = true;
    route.pool?.noteQueue(nowMs, call);
    const latestStartMs = Math.max(nowMs, ticket.deadlineAtMs - route.times.p90(nowMs));
    const atMs = route.pool?.policy.givesUpAtMs?.(nowMs, ticket) ?? latestStartMs;
    this.#agenda.timer(atMs, (now) => this.#giveUp(now, call));
  }

  #giveUp(nowMs: number, call: Call): void {
    const { ticket, route } = call;
    if (ticket.state !== 'queued') return;
    const refusal =
      nowMs >= ticket.deadlineAtMs
        ? expiredInQueue(nowMs, ticket)
        : deadlineUnreachable(route.name, ticket.deadlineAtMs - nowMs, 0, route.times.p90(nowMs));
    route.pool?.policy.withdraw(nowMs, ticket);
    this.shed(nowMs, call, refusal);
  }

  #start(nowMs: number, call: Call): void {
    const { pool, rank } = call.route;
    // Those that a rival decides for, and those without a pool, are not given any by the bulkhead.
    if (call.ticket.heldSeats > 0) call.seats = call.ticket.heldSeats;
    if (call.wasQueued) pool?.shares.queue(nowMs, rank, -1);
    this.#noteWait(nowMs, call);
    pool?.running.add(call);
    pool?.shares.lease(nowMs, rank, call.seats);
    this.#work.begin(nowMs, call);
  }

  #end(nowMs: number, call: Call, ending: Ending, heldMs: number, refusal?: Refusal): void {
    call.ended = true;
    if (this.#tally.counts(call)) this.#open--;
    this.#tally.end(call, ending, nowMs, heldMs, refusal);
    if (ending !== 'good' && ending !== 'left') this.#onFailure(nowMs, call, refusal);
  }

  #noteWait(nowMs: number, call: Call): void {
    if (call.route.rank === this.#reclaimRank) this.#tally.waited(call, nowMs);
  }
}

/** Where there is no pool, nobody has to give a seat. */
function leaseWithoutPool(nowMs: number, ticket: Ticket<Call>): 'leased' {
  ticket.state = 'leased';
  ticket.leasedAtMs = nowMs;
  return 'leased';
}
