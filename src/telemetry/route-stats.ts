import { ERROR_CODES, type ErrorCode } from '../errors.js';
import { Histogram } from './histogram.js';
import { HttpTimes } from './http-times.js';
import { LastRefusals } from './last-refusals.js';

/**
 * How an admitted request ended: `succeeded`; `failed`, its handler or its database work did; `expired`, its deadline
 * ran out; `abandoned`, its client left.
 */
export type RouteOutcome = 'succeeded' | 'failed' | 'expired' | 'abandoned';

/** Every {@link RouteOutcome}. */
export const ROUTE_OUTCOMES: readonly RouteOutcome[] = ['succeeded', 'failed', 'expired', 'abandoned'];

/** A count for each error code. */
export type CodeCounts = Record<ErrorCode, number>;

/**
 * The counters of one route: plain numbers, written on the request's path and read when somebody asks.
 *
 * Each request arrives once and is then admitted, shed or abandoned, or still undecided; each admitted one ends once:
 * `arrived = admitted + shed + abandonedBeforeAdmission + undecided` and `admitted = ended + inFlight`.
 */
export class RouteStats {
  arrived = 0;
  admitted = 0;
  /** Requests that had to wait for a seat, whatever became of them. */
  queued = 0;
  /** Requests that ended before admission without being shed: the client left, or somebody else answered (a parser). */
  abandonedBeforeAdmission = 0;
  /** What handlers still wrote after their request had been answered. */
  lateWrites = 0;
  /** Malformed budget headers. */
  budgetsIgnored = 0;
  /** Connections that handlers gave back with what may be something of theirs in the session, which was undone. */
  dirtyReturns = 0;
  /** Handlers that had answered nothing at their deadline, and had nothing of the database at work. */
  silentHandlers = 0;
  /** Requests whose handler answered and kept connections, which were taken back. */
  keptConnections = 0;
  readonly shedByCode: CodeCounts = zeroCounts();
  /**
   * Mode `observe`: requests that would have been shed in mode `enforce`, or cut short at their deadline. They are not
   * part of {@link shed}.
   */
  readonly wouldShedByCode: CodeCounts = zeroCounts();
  /** Mode `observe`: how long those that would have got a seat would have waited for it; 0 where one was free. */
  readonly wouldWait: Histogram = new Histogram();
  /** Error answers after admission. These requests are counted in {@link outcomes} as well. */
  readonly errorsByCode: CodeCounts = zeroCounts();
  readonly outcomes: Record<RouteOutcome, number> = { succeeded: 0, failed: 0, expired: 0, abandoned: 0 };
  /** From the queue to the seat; 0 for those that found one free. */
  readonly queueWait: Histogram = new Histogram();
  /** What was left of the time to the deadline when the seat was there; nothing is counted without a deadline. */
  readonly timeLeft: Histogram = new Histogram();
  /** How long seats were held. */
  readonly seatHold: Histogram = new Histogram();
  /** From arrival to the end of the response, of admitted requests. */
  readonly response: Histogram = new Histogram();
  /** HTTP requests by method and status, refused ones included. */
  readonly http: HttpTimes = new HttpTimes();
  /** The last refusals and error answers with what was measured; in mode `observe`, what would have been refused. */
  readonly lastRefusals: LastRefusals = new LastRefusals();
  #shed = 0;
  #ended = 0;

  /** Requests shed, for whatever reason. */
  get shed(): number {
    return this.#shed;
  }

  /** Admitted requests that have ended, in whatever way. */
  get ended(): number {
    return this.#ended;
  }

  /** Admitted requests that have not ended. */
  get inFlight(): number {
    return this.admitted - this.#ended;
  }

  /** Requests that arrived and are neither admitted nor shed nor abandoned: queued, or with a body still coming. */
  get undecided(): number {
    return this.arrived - this.admitted - this.#shed - this.abandonedBeforeAdmission;
  }

  arrive(): void {
    this.arrived += 1;
  }

  /** The request waits for a seat. */
  enqueue(): void {
    this.queued += 1;
  }

  /** The request got its seat, after this wait and with so much time left, both in milliseconds. */
  admit(queueWaitMs: number, timeLeftMs: number = Number.POSITIVE_INFINITY): void {
    this.admitted += 1;
    this.queueWait.observe(queueWaitMs);
    if (timeLeftMs < Number.POSITIVE_INFINITY) this.timeLeft.observe(timeLeftMs);
  }

  /** The request is refused before it got a seat. */
  shedWith(code: ErrorCode): void {
    this.#shed += 1;
    this.shedByCode[code] += 1;
  }

  /** Mode `observe`: the request would have got its seat, after this wait in milliseconds. */
  wouldAdmit(queueWaitMs: number): void {
    this.wouldWait.observe(queueWaitMs);
  }

  /** Mode `observe`: the request goes on, and would not have. */
  wouldShed(code: ErrorCode): void {
    this.wouldShedByCode[code] += 1;
  }

  /** The client left before the request got a seat, or somebody else answered it. */
  abandon(): void {
    this.abandonedBeforeAdmission += 1;
  }

  /** An admitted request ended, after holding its seat for this long in milliseconds. */
  end(outcome: RouteOutcome, seatHoldMs: number): void {
    this.#ended += 1;
    this.outcomes[outcome] += 1;
    this.seatHold.observe(seatHoldMs);
  }

  /** An admitted request was answered with this error. */
  answerWith(code: ErrorCode): void {
    this.errorsByCode[code] += 1;
  }

  /** The answer to an admitted request is complete, this many milliseconds after its arrival. */
  respond(responseMs: number): void {
    this.response.observe(responseMs);
  }

  swallowLateWrite(): void {
    this.lateWrites += 1;
  }

  ignoreBudget(): void {
    this.budgetsIgnored += 1;
  }

  returnDirty(): void {
    this.dirtyReturns += 1;
  }

  noteSilence(): void {
    this.silentHandlers += 1;
  }

  noteKept(): void {
    this.keptConnections += 1;
  }
}

function zeroCounts(): CodeCounts {
  return Object.fromEntries(ERROR_CODES.map((code) => [code, 0])) as CodeCounts;
}
