import type { Deadline, DeadlineTimer } from '../admission/deadline-timer.js';
import type { GateClient } from '../admission/gate.js';
import type { Clock } from '../clock.js';
import type { Mode } from '../config/options.js';
import { type PriorityRank, TOP_RANK } from '../core/priority.js';
import { deadlineUnreachable, expiredInQueue } from '../core/refusals.js';
import { Ticket } from '../core/ticket.js';
import type { Refusal } from '../errors.js';
import type { RouteOutcome } from '../telemetry/route-stats.js';
import { DatabaseSession, type SessionOwner } from './database-session.js';
import { AnsweredError, ClientGoneError, deadlineExpired } from './failures.js';
import { rateLimited } from './refusals.js';
import type { RouteRuntime } from './route-runtime.js';

/** Whoever waits for the work: an HTTP response, or a caller of `gateway.run`. Each method is called at most once. */
export interface WorkHost {
  /** The seat is there: run the handler. */
  proceed(nowMs: number): void;
  /** Nothing was started, and nothing will be. */
  refuse(refusal: Refusal): void;
  /** The deadline ran out while the handler ran. */
  expire(refusal: Refusal): void;
  /** Whether the answer has begun on a route that streams, so that its deadline is met. */
  streaming(): boolean;
}

/** What all requests of a gateway share. */
export interface WorkContext {
  readonly mode: Mode;
  readonly clock: Clock;
  readonly timer: DeadlineTimer;
  readonly warn: (code: string, message: string) => void;
}

/** Time in which a handler that has answered may still give its connections back itself. */
const RETURN_GRACE_MS = 1_000;

/**
 * One request from its ticket to the end of its seat. The seat ends exactly once: when the answer is complete, or will
 * never come, and every connection of the request is idle again or destroyed.
 */
export class RequestWork implements GateClient, Deadline, SessionOwner {
  readonly route: RouteRuntime;
  readonly ticket: Ticket<GateClient>;
  dueAtMs = 0;
  heapIndex = -1;
  readonly #context: WorkContext;
  readonly #host: WorkHost;
  /** Whose bucket is charged, where the route has buckets per caller. */
  readonly callerKey: string | undefined;
  #session: DatabaseSession | undefined;
  #abort: AbortController | undefined;
  /** Set once, when the answer is complete or nobody waits for one any more. */
  #ending: RouteOutcome | undefined;
  #stoppedBy: Error | undefined;
  #clientGone = false;
  #graceUsed = false;
  #charged = false;
  #queueWaitMs = 0;
  #returnFromOutside: (() => void) | undefined;

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

  get deadlineAtMs(): number {
    return this.ticket.deadlineAtMs;
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

  /** Aborted when the deadline runs out or the client leaves. Made when first asked for: it costs microseconds. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#stoppedBy !== undefined) this.#abort.abort(this.#stoppedBy);
    return this.#abort.signal;
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
    if (this.#session === undefined) {
      this.#session = new DatabaseSession(pool, this, this.#context.clock);
      if (this.#stoppedBy !== undefined) this.#session.close(this.#stoppedBy);
    }
    return this.#session;
  }

  onWarning(code: string, message: string): void {
    this.#context.warn(code, message);
  }

  /** Counts a refusal that came before {@link enter}. */
  refusedAtPreflight(refusal: Refusal): void {
    this.ticket.state = 'ended';
    this.route.stats.shedWith(refusal.code);
  }

  /** Takes tokens and asks for a seat. `leased`: the handler may run at once; `queued`: the host will be told. */
  enter(nowMs: number): 'leased' | 'queued' | Refusal {
    const { route, ticket } = this;
    if (this.#context.mode !== 'enforce') {
      if (this.#context.mode === 'observe') this.#observe(nowMs);
      ticket.state = 'leased';
      ticket.leasedAtMs = nowMs;
      route.stats.admit(0);
      return 'leased';
    }
    const over = route.rate?.take(nowMs, this.callerKey, 1);
    if (over !== undefined) {
      const refusal = rateLimited(route.name, over);
      this.refusedAtPreflight(refusal);
      return refusal;
    }
    this.#charged = true;
    const arrival = route.gate === undefined ? 'leased' : route.gate.enter(nowMs, ticket);
    if (arrival === 'leased') {
      this.#admitted(nowMs);
    } else if (arrival === 'queued') {
      route.stats.enqueue();
      const latestStartMs = ticket.deadlineAtMs - route.times.p90(nowMs);
      this.#context.timer.set(this, Math.max(nowMs, latestStartMs), nowMs);
    } else {
      this.#refund(nowMs);
      this.refusedAtPreflight(arrival);
    }
    return arrival;
  }

  onLease(nowMs: number): void {
    if (this.#returnFromOutside !== undefined) {
      this.#context.timer.set(this, this.ticket.deadlineAtMs, nowMs);
      this.#returnFromOutside();
      return;
    }
    this.#admitted(nowMs);
    this.#host.proceed(nowMs);
  }

  onShed(nowMs: number, refusal: Refusal): void {
    this.#context.timer.clear(this);
    if (this.#returnFromOutside !== undefined) {
      this.#deadlinePassed(nowMs);
      return;
    }
    this.#refund(nowMs);
    this.refusedAtPreflight(refusal);
    this.#host.refuse(refusal);
  }

  onDue(nowMs: number): void {
    const { ticket, route } = this;
    if (ticket.state === 'queued' && this.#returnFromOutside === undefined) {
      const late = nowMs >= ticket.deadlineAtMs;
      const p90 = route.times.p90(nowMs);
      const refusal = late
        ? expiredInQueue(route.name, nowMs - ticket.queuedAtMs)
        : deadlineUnreachable(route.name, ticket.deadlineAtMs - nowMs, 0, p90);
      route.gate?.bulkhead.withdraw(nowMs, ticket);
      this.onShed(nowMs, refusal);
    } else if (ticket.state !== 'ended') {
      if (this.#ending === undefined) this.#deadlinePassed(nowMs);
      else this.#takeBack();
    }
  }

  onIdle(): void {
    if (this.#ending !== undefined) this.#endSeat(this.#context.clock.nowMs());
  }

  /** The handler's answer is complete; `failed` when it tells of an error of the server. */
  complete(nowMs: number, outcome: 'succeeded' | 'failed'): void {
    if (this.#ending !== undefined) return;
    this.#ending = this.#clientGone ? 'abandoned' : outcome;
    this.route.stats.respond(nowMs - this.ticket.arrivedAtMs);
    this.#endSeat(nowMs);
  }

  /** Nobody waits for the answer any more. */
  clientGone(nowMs: number): void {
    const { ticket, route } = this;
    if (this.#ending !== undefined || ticket.state === 'ended') return;
    if (ticket.state === 'new' || (ticket.state === 'queued' && this.#returnFromOutside === undefined)) {
      if (ticket.state === 'queued') route.gate?.bulkhead.withdraw(nowMs, ticket);
      this.#context.timer.clear(this);
      this.#refund(nowMs);
      ticket.state = 'ended';
      route.stats.abandon();
      return;
    }
    this.#clientGone = true;
    if (route.config.onDisconnect === 'finish') return;
    this.#ending = 'abandoned';
    this.#stop(new ClientGoneError());
    this.#endSeat(nowMs);
  }

  /** Gives the seat up while `work` waits for something else, and comes back at the head of the class. */
  async outside<T>(work: () => Promise<T>): Promise<T> {
    const { gate } = this.route;
    if (gate === undefined || this.#context.mode !== 'enforce') return work();
    if (this.#session?.idle === false) {
      throw new Error('outside() needs every connection of the request to be given back first');
    }
    if (this.ticket.state !== 'leased') throw new Error('outside() needs a request that holds its seat');
    gate.stepOut(this.#context.clock.nowMs(), this.ticket);
    try {
      return await work();
    } finally {
      await this.#comeBack();
    }
  }

  async #comeBack(): Promise<void> {
    const { gate } = this.route;
    if (gate === undefined || this.#stoppedBy !== undefined || this.ticket.state !== 'away') return;
    const nowMs = this.#context.clock.nowMs();
    await new Promise<void>((resolve) => {
      this.#returnFromOutside = resolve;
      if (gate.bulkhead.comeBack(nowMs, this.ticket) === 'leased') resolve();
    });
    this.#returnFromOutside = undefined;
  }

  #admitted(nowMs: number): void {
    const { ticket, route } = this;
    this.#queueWaitMs = ticket.queuedAtMs === 0 ? 0 : nowMs - ticket.queuedAtMs;
    route.stats.admit(this.#queueWaitMs);
    this.#context.timer.set(this, ticket.deadlineAtMs, nowMs);
  }

  #deadlinePassed(nowMs: number): void {
    if (this.route.config.stream && this.#host.streaming()) return;
    if (this.#session?.committing === true && !this.#graceUsed) {
      this.#graceUsed = true;
      this.#context.timer.set(this, nowMs + this.route.config.commitGraceMs, nowMs);
      return;
    }
    const outcome = this.#session?.outcome ?? 'not_started';
    const error = deadlineExpired(this.routeName, this.allowedMs, outcome);
    this.#ending = 'expired';
    this.route.stats.answerWith(error.code);
    this.route.stats.respond(nowMs - this.ticket.arrivedAtMs);
    this.#stop(error);
    this.#host.expire(error);
    this.#endSeat(nowMs);
  }

  #stop(reason: Error): void {
    this.#stoppedBy = reason;
    this.#abort?.abort(reason);
    this.#session?.close(reason);
    this.#returnFromOutside?.();
  }

  /** The answer is out, and the handler still holds connections: they are taken back. */
  #takeBack(): void {
    this.onWarning(
      'connection_not_returned',
      `route "${this.routeName}" answered and kept a connection: call release(), or use query() or transaction()`,
    );
    this.#stop(new AnsweredError(this.routeName));
  }

  /** Ends the seat if nothing of the request is left. */
  #endSeat(nowMs: number): void {
    const { ticket, route } = this;
    const { timer } = this.#context;
    if (this.#ending === undefined || ticket.state === 'ended') return;
    if (this.#session?.idle === false) {
      if (this.#stoppedBy === undefined) {
        timer.set(this, Math.min(nowMs + RETURN_GRACE_MS, Math.max(nowMs, ticket.deadlineAtMs)), nowMs);
      }
      return;
    }
    timer.clear(this);
    const heldMs = ticket.heldBeforeMs + (ticket.state === 'leased' ? nowMs - ticket.leasedAtMs : 0);
    route.stats.end(this.#ending, heldMs);
    this.#learn(nowMs, heldMs);
    if (ticket.state === 'leased' && route.gate !== undefined && this.#context.mode === 'enforce') {
      route.gate.leave(nowMs, ticket);
    } else {
      route.gate?.bulkhead.withdraw(nowMs, ticket);
      ticket.state = 'ended';
    }
    // Work that comes after the answer would run without a seat.
    if (this.#context.mode === 'enforce') this.#stoppedBy ??= new AnsweredError(this.routeName);
    if (this.#stoppedBy !== undefined) this.#session?.close(this.#stoppedBy);
  }

  /** A hold that was cut short tells only how long it would have taken at least; an outage tells nothing of the route. */
  #learn(nowMs: number, heldMs: number): void {
    if (this.route.gate?.bulkhead.outage.down === true) return;
    if (this.#stoppedBy === undefined) this.route.times.record(nowMs, heldMs);
    else this.route.times.recordCensored(nowMs, heldMs);
  }

  #observe(nowMs: number): void {
    const over = this.route.rate?.take(nowMs, this.callerKey, 1);
    if (over !== undefined) this.route.stats.wouldShed('rate_limited');
  }

  #refund(nowMs: number): void {
    if (!this.#charged) return;
    this.#charged = false;
    this.route.rate?.refund(nowMs, this.callerKey, 1);
  }
}
