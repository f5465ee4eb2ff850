import type { Ticket } from '../../core/ticket.js';

/** A number for each ticket that is in flight, queued or away, given to another one when it has ended. */
export class TicketSlots<Owner> {
  /** Who has which number. */
  readonly tickets: (Ticket<Owner> | undefined)[] = [];
  readonly #free: number[] = [];

  /** Gives a ticket a number. */
  take(ticket: Ticket<Owner>): number {
    const slot = this.#free.pop() ?? this.tickets.length;
    this.tickets[slot] = ticket;
    ticket.slot = slot;
    return slot;
  }

  /** A ticket has ended. */
  free(ticket: Ticket<Owner>): void {
    const { slot } = ticket;
    if (slot < 0) return;
    this.tickets[slot] = undefined;
    this.#free.push(slot);
    ticket.slot = -1;
  }
}
