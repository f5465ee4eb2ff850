import type { Clock } from '../clock.js';
import type { Bulkhead } from '../core/bulkhead.js';
import { outageGivenUp } from '../core/refusals.js';
import type { Ticket } from '../core/ticket.js';
import type { Refusal } from '../errors.js';
import type { Deadline, DeadlineTimer } from './deadline-timer.js';

/** Who stands at the gate: what it is told about its queued ticket. Both may run the application's code at once. */
export interface GateClient {
  /** The ticket got its seat. */
  onLease(nowMs: number): void;
  /** The ticket is shed. */
  onShed(nowMs: number, refusal: Refusal): void;
}

/** A ticket at a gate. */
export type GateTicket = Ticket<GateClient>;

/** Tickets whose waiting ends in one go before the clock is read again, and for which input has its time in any turn. */
const BATCH = 16;
/** How long the hand-outs of one turn of the event loop may take together before input gets its turn. */
const TURN_MS = 8;

/**
 * The seats of one pool at work: calls the bulkhead, hands freed seats on, and gives an outage up when its time is
 * over. Who gets a seat is decided in the bulkhead; here is only the doing.
 */
export class Gate {
  readonly bulkhead: Bulkhead<GateClient>;
  readonly #clock: Clock;
  readonly #timer: DeadlineTimer;
  readonly #again: Deadline;
  readonly #rideOut: Deadline;
  readonly #known: Deadline;
  #handingOut = false;
  /** When the first hand-out of the present turn of the event loop began; `undefined` before it. */
  #turnSinceMs: number | undefined;
  /** What hand-outs that input brought about have taken in the present turn, in milliseconds. */
  #spentMs = 0;
  /** The turn is used up, and somebody may be waiting for a seat that is free. */
  #goesOn = false;
  readonly #onTurnOver: () => void;
  #telling = false;
  #shedding: ((ticket: GateTicket) => Refusal) | undefined;

  constructor(bulkhead: Bulkhead<GateClient>, clock: Clock, timer: DeadlineTimer) {
    this.bulkhead = bulkhead;
    this.#clock = clock;
    this.#timer = timer;
    this.#again = { dueAtMs: 0, heapIndex: -1, onDue: (nowMs) => this.#continue(nowMs) };
    this.#onTurnOver = () => this.#turnOver();
    this.#known = { dueAtMs: 0, heapIndex: -1, onDue: (nowMs) => this.handOut(nowMs) };
    this.#rideOut = { dueAtMs: 0, heapIndex: -1, onDue: (nowMs) => this.#giveUp(nowMs) };
  }

  /**
   * Enters a ticket. `leased`: go on at once; `queued`: its owner will be told; otherwise it is refused. Those that have
   * to leave the queue for it are told in this turn of the event loop, but never before its own answer is returned.
   */
  enter(nowMs: number, ticket: GateTicket): 'leased' | 'queued' | Refusal {
    const arrival = this.bulkhead.arrive(nowMs, ticket);
    if (this.bulkhead.leaving > 0) this.#tellSoon();
    return arrival;
  }

  /** Ends a lease for good and hands the seat on. */
  leave(nowMs: number, ticket: GateTicket): void {
    this.bulkhead.release(nowMs, ticket);
    this.handOut(nowMs, ticket.leasedAtMs);
  }

  /** Returns some seats of a ticket early and hands them on; tells how many. */
  giveBack(nowMs: number, ticket: GateTicket, seats: number): number {
    const returned = this.bulkhead.giveBack(nowMs, ticket, seats);
    if (returned > 0) this.handOut(nowMs, ticket.leasedAtMs);
    return returned;
  }

  /** Gives a seat up for a time and hands it on; `bulkhead.comeBack` asks for another. */
  stepOut(nowMs: number, ticket: GateTicket): void {
    this.bulkhead.release(nowMs, ticket, 'away');
    this.handOut(nowMs, ticket.leasedAtMs);
  }

  /** The server behind the seats is lost: no seat is handed out until {@link up}. */
  down(nowMs: number): void {
    const { outage } = this.bulkhead;
    this.bulkhead.beginOutage(nowMs);
    if (outage.knownAtMs !== undefined) this.#timer.set(this.#known, outage.knownAtMs, nowMs);
    if (outage.givenUpAtMs !== undefined) this.#timer.set(this.#rideOut, outage.givenUpAtMs, nowMs);
  }

  /** The server answers again. */
  up(nowMs: number): void {
    this.bulkhead.endOutage(nowMs);
    this.#timer.clear(this.#known);
    this.#timer.clear(this.#rideOut);
    this.handOut(nowMs);
  }

  /**
   * Gives free seats to those that wait. A request that starts here may free its seat at once: then the loop goes on
   * and not the stack. One that frees its seat before any input is handled comes back here in the same turn of the event
   * loop, and so may a thousand of them: they have that turn's time together. For seats that input has freed only the
   * hand-outs count, and not all that the loop does between them: in a busy turn they would stand empty until the next.
   *
   * @param leasedAtMs - Since when the seat was held that is free now.
   */
  handOut(nowMs: number, leasedAtMs: number = Number.NEGATIVE_INFINITY): void {
    if (this.#handingOut || this.bulkhead.queued === 0) return;
    const turnSinceMs = this.#turnSince(nowMs);
    const byInput = leasedAtMs < turnSinceMs;
    const sinceMs = byInput ? nowMs - this.#spentMs : turnSinceMs;
    const anyhow = byInput ? BATCH : 0;
    let now = nowMs;
    this.#handingOut = true;
    try {
      for (let done = 1; ; done++) {
        if (done > anyhow && now - sinceMs > TURN_MS) {
          this.#goesOn = true;
          return;
        }
        const ticket = this.bulkhead.next(now);
        if (ticket === undefined) return;
        if (ticket.refusal === undefined) ticket.owner.onLease(now);
        else ticket.owner.onShed(now, ticket.refusal);
        if (done % BATCH === 0) now = this.#clock.nowMs();
      }
    } finally {
      this.#handingOut = false;
      if (byInput) this.#spentMs += this.#clock.nowMs() - nowMs;
    }
  }

  #turnSince(nowMs: number): number {
    if (this.#turnSinceMs === undefined) {
      this.#turnSinceMs = nowMs;
      this.#clock.afterInput(this.#onTurnOver);
    }
    return this.#turnSinceMs;
  }

  #turnOver(): void {
    this.#turnSinceMs = undefined;
    this.#spentMs = 0;
    if (!this.#goesOn) return;
    this.#goesOn = false;
    // With the deadlines that are due, which share their time: each by itself would take a turn's time twice.
    const nowMs = this.#clock.nowMs();
    this.#timer.set(this.#again, nowMs, nowMs);
  }

  /** Sheds everybody that waits, for one reason, in turns: an outage that lasts, or the end of the process. */
  shedAll(nowMs: number, refusalFor: (ticket: GateTicket) => Refusal): void {
    this.#shedding = refusalFor;
    this.#continue(nowMs);
  }

  /** All that arrive in one turn displace first, then everybody who has to leave is told in one go. */
  #tellSoon(): void {
    if (this.#telling) return;
    this.#telling = true;
    this.#clock.afterInput(() => {
      this.#telling = false;
      this.handOut(this.#clock.nowMs());
    });
  }

  #continue(nowMs: number): void {
    if (this.#shedding !== undefined && this.#shedOne(nowMs, this.#shedding))
      this.#timer.set(this.#again, nowMs, nowMs);
    else this.handOut(nowMs);
  }

  /** Sheds whoever is at hand, and no more: the timer bounds a turn by what is due one by one. True unless none was. */
  #shedOne(nowMs: number, refusalFor: (ticket: GateTicket) => Refusal): boolean {
    const ticket = this.bulkhead.anyQueued();
    if (ticket === undefined) {
      this.#shedding = undefined;
      return false;
    }
    this.bulkhead.withdraw(nowMs, ticket);
    ticket.owner.onShed(nowMs, refusalFor(ticket));
    return true;
  }

  #giveUp(nowMs: number): void {
    const lastedMs = this.bulkhead.outage.lastedMs(nowMs);
    this.shedAll(nowMs, (ticket) => outageGivenUp(nowMs, ticket, lastedMs));
  }
}
