import type { Deadline } from '../admission/deadline-timer.js';
import type { GateTicket } from '../admission/gate.js';
import type { Refusal, SluiceError } from '../errors.js';
import type { RequestWatch } from '../telemetry/request-watch.js';
import type { RouteOutcome } from '../telemetry/route-stats.js';
import { ClientGoneError, deadlineExpired, noSeatAgain, stoppedByDrain } from './failures.js';
import type { HandlerWork } from './handler-work.js';
import type { RouteRuntime } from './route-runtime.js';
import type { SeatClaim } from './seat-claim.js';
import type { Shadow } from './shadow.js';
import type { WorkContext, WorkHost } from './work-contract.js';

/** A streamed answer outlasts its deadline: looks whether it needs its seat. */
const STREAM_LOOK_MS = 1_000;

/** The request whose end it is. */
export interface EndingRequest extends Deadline {
  readonly route: RouteRuntime;
  readonly ticket: GateTicket;
  readonly handler: HandlerWork;
  readonly shadow: Shadow | undefined;
  readonly watch: RequestWatch | undefined;
  /** Whether the answer has begun, on a route that streams. */
  readonly streaming: boolean;
}

/**
 * How an admitted request ends: by its answer, its deadline, a drain, or because its client left. Its seat ends exactly
 * once: when that has come, and every connection of the request is idle again or destroyed.
 */
export class RequestEnd {
  readonly #context: WorkContext;
  readonly #host: WorkHost;
  readonly #request: EndingRequest;
  readonly #claim: SeatClaim;
  /** Set once, when the answer is complete or nobody waits for one any more. */
  #outcome: RouteOutcome | undefined;
  #clientGone = false;
  #graceUsed = false;

  constructor(context: WorkContext, host: WorkHost, request: EndingRequest, claim: SeatClaim) {
    this.#context = context;
    this.#host = host;
    this.#request = request;
    this.#claim = claim;
  }

  /** Whether the answer is complete, or nobody waits for one any more; the seat may be held still. */
  get come(): boolean {
    return this.#outcome !== undefined;
  }

  /** The handler's answer is complete; `failed` when it tells of an error of the server. */
  complete(nowMs: number, outcome: 'succeeded' | 'failed'): void {
    const { handler } = this.#request;
    const ending = outcome === 'failed' && handler.late ? 'expired' : outcome;
    this.#outcome = this.#clientGone ? 'abandoned' : ending;
    this.#responded(nowMs);
    this.endSeat(nowMs);
  }

  /** Nobody waits for the answer any more: ends it, unless the route finishes what it began. */
  clientGone(nowMs: number): void {
    const { route, handler, shadow } = this.#request;
    this.#clientGone = true;
    shadow?.clientGone(nowMs);
    if (route.config.onDisconnect === 'finish') return;
    this.#outcome = 'abandoned';
    handler.stop(new ClientGoneError());
    this.endSeat(nowMs);
  }

  /** The process ends, and its handler does not. One that has begun to answer is cut off with its connection. */
  drained(nowMs: number): void {
    const { ticket, streaming, route, handler } = this.#request;
    if (this.come || streaming || (ticket.state !== 'leased' && ticket.state !== 'away')) return;
    this.#cutShort(nowMs, stoppedByDrain(route.name, handler.outcome));
  }

  /** The time that was set for it is over: its deadline, or what connections had to come back after the answer. */
  due(nowMs: number): void {
    const { handler } = this.#request;
    if (this.come) this.#context.timer.set(this.#request, handler.reclaim(nowMs), nowMs);
    else this.#deadlinePassed(nowMs);
  }

  /** The request gave its seat up for a time, and does not get another. */
  seatRefused(nowMs: number, refusal: Refusal): void {
    const { ticket, streaming, handler } = this.#request;
    // Shed from the queue it counts as ended there, but it was admitted, and has its own end still before it.
    ticket.state = 'away';
    if (refusal.code === 'deadline_expired' && !streaming) this.#deadlinePassed(nowMs);
    else this.#cutShort(nowMs, noSeatAgain(refusal, handler.outcome));
  }

  /** Ends the seat if nothing of the request is left. */
  endSeat(nowMs: number): void {
    const { ticket, handler, shadow, watch } = this.#request;
    const { timer, lag } = this.#context;
    if (this.#outcome === undefined || ticket.state === 'ended') return;
    if (!handler.idle) {
      timer.set(this.#request, handler.reclaimAtMs(nowMs), nowMs);
      return;
    }
    timer.clear(this.#request);
    const cutShort = handler.stopped || this.#outcome === 'expired';
    const stalledMs = shadow?.stalledMs(nowMs) ?? lag.stalledMs(ticket.leasedAtMs, nowMs);
    const heldMs = this.#claim.end(nowMs, this.#outcome, cutShort, stalledMs, shadow?.waitedMs(nowMs));
    watch?.end(this.#outcome, heldMs);
    shadow?.workEnded(nowMs, cutShort);
    if (handler.over) handler.close();
  }

  #deadlinePassed(nowMs: number): void {
    const { route, ticket, handler, streaming } = this.#request;
    const { timer } = this.#context;
    if (streaming) {
      handler.rest();
      timer.set(this.#request, nowMs + STREAM_LOOK_MS, nowMs);
      return;
    }
    if (handler.committing && !this.#graceUsed) {
      this.#graceUsed = true;
      timer.set(this.#request, nowMs + route.config.commitGraceMs, nowMs);
      return;
    }
    handler.warnOfIdleness(nowMs);
    this.#cutShort(nowMs, deadlineExpired(route.name, ticket.allowedMs, handler.outcome));
  }

  /** Answers for the handler, and stops what it is doing. */
  #cutShort(nowMs: number, error: SluiceError): void {
    const { handler } = this.#request;
    handler.failedWith(nowMs, error);
    this.#outcome = handler.late ? 'expired' : 'failed';
    this.#responded(nowMs);
    handler.stop(error);
    this.#host.expire(error);
    this.endSeat(nowMs);
  }

  #responded(nowMs: number): void {
    const { route, ticket } = this.#request;
    route.stats.respond(nowMs - ticket.arrivedAtMs);
  }
}
