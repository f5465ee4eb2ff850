import { type Arrival, Bulkhead } from '../../core/bulkhead.js';
import type { BulkheadOptions } from '../../core/bulkhead-parts.js';
import type { Ticket } from '../../core/ticket.js';
import type { Refusal } from '../../errors.js';
import { headOf, KIND, LEASED, NO_SLOT, PASSED, refusedAs } from './decision-record.js';
import type { Recorder } from './recorder.js';
import type { TicketSlots } from './ticket-slots.js';

/** A bulkhead that writes down what it is told and what it decides, and is in all else the one it extends. */
export class RecordedBulkhead<Owner> extends Bulkhead<Owner> {
  readonly #recorder: Recorder;
  readonly #source: number;
  readonly #slots: TicketSlots<Owner>;

  /** @param source - Its place among the bulkheads of the log. */
  constructor(options: BulkheadOptions, recorder: Recorder, source: number, slots: TicketSlots<Owner>) {
    super(options);
    this.#recorder = recorder;
    this.#source = source;
    this.#slots = slots;
  }

  override headroom(nowMs: number): number {
    const seats = this.#decide(() => super.headroom(nowMs));
    this.#put(KIND.headroom, nowMs);
    return seats;
  }

  override preflight(nowMs: number, ticket: Ticket): Refusal | undefined {
    const recorder = this.#recorder;
    recorder.deciding = true;
    const refusal = super.preflight(nowMs, ticket);
    recorder.deciding = false;
    recorder.putTicket(KIND.preflight, refusal === undefined ? PASSED : refusedAs(refusal.code), nowMs, ticket);
    return refusal;
  }

  override arrive(nowMs: number, ticket: Ticket<Owner>): Arrival {
    const recorder = this.#recorder;
    recorder.deciding = true;
    const arrival = super.arrive(nowMs, ticket);
    recorder.deciding = false;
    if (typeof arrival === 'string') {
      const slot = this.#slots.take(ticket);
      recorder.putTicket(KIND.arrive, arrival === 'leased' ? LEASED : PASSED, nowMs, ticket, slot);
    } else {
      recorder.putTicket(KIND.arrive, refusedAs(arrival.code), nowMs, ticket);
    }
    return arrival;
  }

  override comeBack(nowMs: number, ticket: Ticket<Owner>): 'leased' | 'queued' {
    const arrival = this.#decide(() => super.comeBack(nowMs, ticket));
    this.#put(KIND.comeBack, nowMs, ticket.slot, arrival === 'leased' ? LEASED : PASSED);
    return arrival;
  }

  override next(nowMs: number): Ticket<Owner> | undefined {
    const recorder = this.#recorder;
    recorder.deciding = true;
    const ticket = super.next(nowMs);
    recorder.deciding = false;
    if (ticket === undefined) {
      this.#put(KIND.next, nowMs);
      return undefined;
    }
    const { slot, refusal } = ticket;
    // Before the record: a checkpoint that follows it must not find the ticket.
    if (refusal !== undefined) this.#slots.free(ticket);
    this.#put(KIND.next, nowMs, slot, refusal === undefined ? LEASED : refusedAs(refusal.code));
    return ticket;
  }

  override withdraw(nowMs: number, ticket: Ticket<Owner>): boolean {
    const { slot, state } = ticket;
    const withdrawn = this.#decide(() => super.withdraw(nowMs, ticket));
    if (withdrawn || (state === 'away' && slot >= 0)) {
      this.#slots.free(ticket);
      this.#put(withdrawn ? KIND.withdraw : KIND.forget, nowMs, slot);
    }
    return withdrawn;
  }

  override release(nowMs: number, ticket: Ticket<Owner>, next: 'ended' | 'away' = 'ended'): void {
    const { slot } = ticket;
    // Before anything is marked: a ticket without a seat throws.
    super.release(nowMs, ticket, next);
    if (next === 'ended') this.#slots.free(ticket);
    this.#put(KIND.release, nowMs, slot, next === 'away' ? LEASED : PASSED);
  }

  override giveBack(nowMs: number, ticket: Ticket<Owner>, seats: number): number {
    const returned = super.giveBack(nowMs, ticket, seats);
    // Also where nothing came back: the call may have brought the accounts to this instant.
    this.#recorder.ring.put(headOf(KIND.giveBack, this.#source), nowMs, ticket.slot, 0, 0, seats);
    return returned;
  }

  override resize(nowMs: number, seats: number): void {
    super.resize(nowMs, seats);
    this.#recorder.ring.put(headOf(KIND.resize, this.#source), nowMs, NO_SLOT, 0, 0, seats);
  }

  override beginOutage(nowMs: number): void {
    super.beginOutage(nowMs);
    this.#put(KIND.outage, nowMs);
  }

  override endOutage(nowMs: number): void {
    super.endOutage(nowMs);
    this.#put(KIND.recovery, nowMs);
  }

  override predictedWaitMs(nowMs: number, ticket: Ticket): number {
    const waitMs = this.#decide(() => super.predictedWaitMs(nowMs, ticket));
    this.#recorder.putTicket(KIND.predict, PASSED, nowMs, ticket);
    return waitMs;
  }

  #put(kind: number, nowMs: number, slot: number = NO_SLOT, decision: number = PASSED): void {
    this.#recorder.ring.put(headOf(kind, this.#source, 0, decision), nowMs, slot);
  }

  #decide<Result>(act: () => Result): Result {
    this.#recorder.deciding = true;
    try {
      return act();
    } finally {
      this.#recorder.deciding = false;
    }
  }
}
