import type { Deadline } from '../admission/deadline-timer.js';
import type { GateClient } from '../admission/gate.js';
import { type PriorityRank, TOP_RANK } from '../core/priority.js';
import { deadlineUnreachable, expiredInQueue } from '../core/refusals.js';
import { Ticket } from '../core/ticket.js';
import type { Outcome, Refusal, SluiceError } from '../errors.js';
import type { RouteOutcome } from '../telemetry/route-stats.js';
import { DatabaseSession, type SessionOwner } from './database-session.js';
import { ClientGoneError, deadlineExpired, noSeatAgain } from './failures.js';
import { Interruption } from './interruption.js';
import { RateCharge } from './rate-charge.js';
import type { RouteRuntime } from './route-runtime.js';
import { SeatBreak } from './seat-break.js';
import type { WorkContext, WorkHost } from './work-contract.js';

/** Time in which a handler that has answered may still give its connections back itself. */
const RETURN_GRACE_MS = 1_000;

/**
 * One request from its ticket to the end of its seat. The seat ends exactly once: when the answer is complete, or will
 * never come, and every connection of the request is idle again or destroyed.
 */
export class RequestWork implements GateClient, Deadline, SessionOwner {
  readonly route: RouteRuntime;
  readonly ticket: Ticket<GateClient>;
  /** Whose bucket is charged, where the route has buckets per caller. */
  readonly callerKey: string | undefined;
  dueAtMs = 0;
  heapIndex = -1;
  readonly #context: WorkContext;
  readonly #host: WorkHost;
  readonly #charge: RateCharge;
  readonly #interruption = new Interruption();
  #session: DatabaseSession | undefined;
  /** Set once, when the answer is complete or nobody waits for one any more. */
  #ending: RouteOutcome | undefined;
  #clientGone = false;
  #graceUsed = false;
  #queueWaitMs = 0;
  #break: SeatBreak | undefined;

  constructor(
    context: WorkContext,
    route: RouteRuntime,
    host: WorkHost,
    rank: PriorityRank,
    callerKey: string | undefined,
    arrivedAtMs: number,
    deadlineAtMs: number,
  ) {
    this.#context = context;
    this.route = route;
    this.#host = host;
    this.callerKey = callerKey;
    this.#charge = new RateCharge(route, callerKey);
    const enforced = context.mode === 'enforce' ? deadlineAtMs : Number.POSITIVE_INFINITY;
    this.ticket = new Ticket<GateClient>(this, route, rank, arrivedAtMs, enforced);
    route.stats.arrive();
  }

  get routeName(): string {
    return this.route.name;
  }

  /** In the modes that refuse nothing, connections are waited for first come first served. */
  get rank(): PriorityRank {
    return this.#context.mode === 'enforce' ? this.ticket.rank : TOP_RANK;
  }

  /** `Infinity` also once a streamed answer has begun: its deadline is met. */
  get deadlineAtMs(): number {
    return this.#isStreaming() ? Number.POSITIVE_INFINITY : this.ticket.deadlineAtMs;
  }

  get allowedMs(): number {
    return this.ticket.deadlineAtMs - this.ticket.arrivedAtMs;
  }

  get slowMs(): number {
    return this.route.config.deadlineMs / 2;
  }

  get queueWaitMs(): number {
    return this.#queueWaitMs;
  }

  /** Aborted when the deadline runs out or the client leaves. */
  get signal(): AbortSignal {
    return this.#interruption.signal;
  }

  /** True once the answer is complete, or nobody waits for one. */
  get answered(): boolean {
    return this.#ending !== undefined;
  }

  /** The database work of this request. */
  get session(): DatabaseSession {
    const { pool } = this.route;
    if (pool === undefined) {
      throw new Error(`route "${this.routeName}" has no pool; give it one in its configuration ("pool") to query`);
    }
    if (this.#break !== undefined) {
      throw new Error('inside outside() the request holds no seat: query before or after it');
    }
    if (this.#session === undefined) {
      this.#session = new DatabaseSession(pool, this, this.#context.clock);
      if (this.#isOver()) this.#session.close(this.#interruption.reason);
    }
    return this.#session;
  }

  /** Counts a refusal, and gives back what was taken for the request. */
  refused(nowMs: number, refusal: Refusal): void {
    this.#context.timer.clear(this);
    this.#charge.refund(nowMs);
    this.ticket.state = 'ended';
    this.route.stats.shedWith(refusal.code);
  }

  /** Takes tokens and asks for a seat. `leased`: the handler may run at once; `queued`: the host will be told. */
  enter(nowMs: number): 'leased' | 'queued' | Refusal {
    const { route, ticket } = this;
    if (this.#context.mode !== 'enforce') return this.#enterFreely(nowMs);
    const arrival = this.#charge.take(nowMs) ?? route.gate?.enter(nowMs, ticket) ?? this.#enterWithoutGate(nowMs);
    if (arrival === 'leased') {
      this.#admitted(nowMs);
    } else if (arrival === 'queued') {
      route.stats.enqueue();
      const latestStartMs = ticket.deadlineAtMs - route.times.p90(nowMs);
      this.#context.timer.set(this, Math.max(nowMs, latestStartMs), nowMs);
    } else {
      this.refused(nowMs, arrival);
    }
    return arrival;
  }

  onLease(nowMs: number): void {
    if (this.#break === undefined) {
      this.#admitted(nowMs);
      this.#host.proceed(nowMs);
    } else {
      this.#context.timer.set(this, this.ticket.deadlineAtMs, nowMs);
      this.#break.end();
    }
  }

  onShed(nowMs: number, refusal: Refusal): void {
    if (this.#break !== undefined) return this.#seatRefused(nowMs, refusal);
    this.refused(nowMs, refusal);
    this.#host.refuse(refusal);
  }

  onDue(nowMs: number): void {
    const { ticket, route } = this;
    if (ticket.state === 'ended') return;
    if (ticket.state === 'queued' && this.#break === undefined) {
      const { name, times } = route;
      const refusal =
        nowMs >= ticket.deadlineAtMs
          ? expiredInQueue(name, nowMs - ticket.queuedAtMs)
          : deadlineUnreachable(name, ticket.deadlineAtMs - nowMs, 0, times.p90(nowMs));
      route.gate?.bulkhead.withdraw(nowMs, ticket);
      this.onShed(nowMs, refusal);
    } else if (this.#ending === undefined) {
      this.#deadlinePassed(nowMs);
    } else {
      this.#takeBack();
    }
  }

  onIdle(): void {
    if (this.#ending !== undefined) this.#endSeat(this.#context.clock.nowMs());
  }

  /** The handler's answer is complete; `failed` when it tells of an error of the server. */
  complete(nowMs: number, outcome: 'succeeded' | 'failed'): void {
    if (this.#ending !== undefined || this.#leftUnadmitted(nowMs)) return;
    this.#ending = this.#clientGone ? 'abandoned' : outcome;
    this.route.stats.respond(nowMs - this.ticket.arrivedAtMs);
    this.#endSeat(nowMs);
  }

  /** Nobody waits for the answer any more. */
  clientGone(nowMs: number): void {
    if (this.#ending !== undefined || this.#leftUnadmitted(nowMs)) return;
    this.#clientGone = true;
    if (this.route.config.onDisconnect === 'finish') return;
    this.#ending = 'abandoned';
    this.#stop(new ClientGoneError());
    this.#endSeat(nowMs);
  }

  /**
   * Ends a request before its admission: its client left, or somebody else answered it (a parser, a timeout in front of
   * the guard). False for one that was admitted.
   */
  #leftUnadmitted(nowMs: number): boolean {
    const { ticket, route } = this;
    if (ticket.state === 'ended') return true;
    if (ticket.state !== 'new' && (ticket.state !== 'queued' || this.#break !== undefined)) return false;
    route.gate?.bulkhead.withdraw(nowMs, ticket);
    this.#context.timer.clear(this);
    this.#charge.refund(nowMs);
    ticket.state = 'ended';
    route.stats.abandon();
    return true;
  }

  /** Gives the seat up while `work` waits for something else, and comes back at the head of the class. */
  async outside<T>(work: () => Promise<T>): Promise<T> {
    const { gate } = this.route;
    if (gate === undefined || this.#context.mode !== 'enforce') return work();
    if (this.#session?.idle === false) {
      throw new Error('outside() needs every connection of the request to be given back first');
    }
    if (this.ticket.state !== 'leased') throw new Error('outside() needs a request that holds its seat');
    this.#break = new SeatBreak(gate, this.ticket, this.#context.clock);
    try {
      return await this.#break.around(work);
    } finally {
      this.#break = undefined;
    }
  }

  #enterWithoutGate(nowMs: number): 'leased' {
    this.ticket.state = 'leased';
    this.ticket.leasedAtMs = nowMs;
    return 'leased';
  }

  /** In mode `observe` the bucket evolves as if it were enforced, and what it would have shed is counted. */
  #enterFreely(nowMs: number): 'leased' {
    const refusal = this.#context.mode === 'observe' ? this.#charge.take(nowMs) : undefined;
    if (refusal !== undefined) this.route.stats.wouldShed(refusal.code);
    this.route.stats.admit(0);
    return this.#enterWithoutGate(nowMs);
  }

  #admitted(nowMs: number): void {
    const { ticket, route } = this;
    this.#queueWaitMs = ticket.queuedAtMs === 0 ? 0 : nowMs - ticket.queuedAtMs;
    route.stats.admit(this.#queueWaitMs);
    this.#context.timer.set(this, ticket.deadlineAtMs, nowMs);
  }

  #deadlinePassed(nowMs: number): void {
    const { config } = this.route;
    if (this.#isStreaming()) return;
    if (this.#session?.committing === true && !this.#graceUsed) {
      this.#graceUsed = true;
      this.#context.timer.set(this, nowMs + config.commitGraceMs, nowMs);
      return;
    }
    this.#cutShort(nowMs, 'expired', deadlineExpired(this.routeName, this.allowedMs, this.#outcome));
  }

  /** The request gave its seat up for a time, and does not get another. */
  #seatRefused(nowMs: number, refusal: Refusal): void {
    // Shed from the queue it counts as ended there, but it was admitted, and has its own end still before it.
    this.ticket.state = 'away';
    if (refusal.code === 'deadline_expired') this.#deadlinePassed(nowMs);
    else this.#cutShort(nowMs, 'failed', noSeatAgain(refusal, this.#outcome));
  }

  /** Answers for the handler, and stops what it is doing. */
  #cutShort(nowMs: number, ending: RouteOutcome, error: SluiceError): void {
    const { stats } = this.route;
    this.#ending = ending;
    stats.answerWith(error.code);
    stats.respond(nowMs - this.ticket.arrivedAtMs);
    this.#stop(error);
    this.#host.expire(error);
    this.#endSeat(nowMs);
  }

  /** What may be told about the database work so far. */
  get #outcome(): Outcome {
    return this.#session?.outcome ?? 'not_started';
  }

  #isStreaming(): boolean {
    return this.route.config.stream && this.#host.streaming();
  }

  #stop(reason: Error): void {
    this.#interruption.stop(reason);
    this.#session?.close(reason);
    this.#break?.end();
  }

  /** The answer is out, and the handler still holds connections: they are taken back. */
  #takeBack(): void {
    this.#context.warn(
      'connection_not_returned',
      `route "${this.routeName}" answered and kept a connection: call release(), or use query() or transaction()`,
    );
    this.#session?.close();
  }

  /** Work that comes after the answer would run without a seat. */
  #isOver(): boolean {
    return (
      this.#interruption.reason !== undefined || (this.ticket.state === 'ended' && this.#context.mode === 'enforce')
    );
  }

  /** Ends the seat if nothing of the request is left. */
  #endSeat(nowMs: number): void {
    const { ticket, route } = this;
    const { timer, mode } = this.#context;
    if (this.#ending === undefined || ticket.state === 'ended') return;
    if (this.#session?.idle === false) {
      const soonMs = nowMs + RETURN_GRACE_MS;
      if (!this.#session.closed) timer.set(this, Math.min(soonMs, Math.max(nowMs, ticket.deadlineAtMs)), nowMs);
      return;
    }
    timer.clear(this);
    const heldMs = ticket.heldBeforeMs + (ticket.state === 'leased' ? nowMs - ticket.leasedAtMs : 0);
    route.stats.end(this.#ending, heldMs);
    this.#learn(nowMs, heldMs);
    const seated = ticket.state === 'leased' && mode === 'enforce';
    if (!seated) route.gate?.bulkhead.withdraw(nowMs, ticket);
    if (seated && route.gate !== undefined) route.gate.leave(nowMs, ticket);
    else ticket.state = 'ended';
    if (this.#isOver()) this.#session?.close(this.#interruption.reason);
  }

  /** A hold that was cut short tells only how long it would have taken at least; an outage tells nothing of the route. */
  #learn(nowMs: number, heldMs: number): void {
    if (this.route.gate?.bulkhead.outage.down === true) return;
    if (this.#interruption.reason === undefined) this.route.times.record(nowMs, heldMs);
    else this.route.times.recordCensored(nowMs, heldMs);
  }
}
