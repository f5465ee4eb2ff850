import type { Refusal } from '../errors.js';
import type { Archive } from './archive.js';
import { mayWaitOut } from './feasibility.js';
import type { Outage } from './outage.js';
import type { Ticket } from './ticket.js';

/**
 * Tickets that were queued while an outage might have been no more than one session that ended. Once it is known for
 * what it is, those are told that cannot wait it out, as they would have been on arrival.
 */
export class Doubtful<Owner> {
  readonly #outage: Outage;
  #tickets: Ticket<Owner>[] = [];

  constructor(outage: Outage) {
    this.#outage = outage;
  }

  /** A ticket was queued. */
  note(nowMs: number, ticket: Ticket<Owner>): void {
    if (this.#outage.doubted(nowMs)) this.#tickets.push(ticket);
  }

  /** The outage is over. */
  clear(): void {
    if (this.#tickets.length > 0) this.#tickets = [];
  }

  /** Somebody who waits and cannot wait the outage out, with what it is told; `undefined` when nobody does. */
  next(nowMs: number): { readonly ticket: Ticket<Owner>; readonly refusal: Refusal } | undefined {
    if (this.#outage.doubted(nowMs)) return undefined;
    for (let ticket = this.#tickets.pop(); ticket !== undefined; ticket = this.#tickets.pop()) {
      const waits = ticket.state === 'queued' && ticket.refusal === undefined;
      const refusal = waits ? mayWaitOut(nowMs, ticket, 0, this.#outage) : undefined;
      if (refusal !== undefined) return { ticket, refusal };
    }
    return undefined;
  }

  /** Carries its state; see {@link Archive}. */
  archive(io: Archive): void {
    const count = io.number(this.#tickets.length);
    for (let place = 0; place < count; place++) {
      const ticket = io.refer<Ticket<Owner>>(this.#tickets[place]);
      if (io.loading && ticket !== undefined) this.#tickets.push(ticket);
    }
  }
}
