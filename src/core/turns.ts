import type { Archive } from './archive.js';
import type { ClassShares } from './class-shares.js';
import type { Discipline } from './discipline.js';
import { PRIORITY_RANKS, type PriorityRank, TOP_RANK } from './priority.js';
import type { Seats } from './seats.js';
import type { Ticket } from './ticket.js';
import type { WorkQueue } from './work-queue.js';

/** Seats that are kept together for a ticket which needs more than are free. */
interface Reservation<Owner> {
  readonly ticket: Ticket<Owner>;
  /** When the seats will be there, as far as can be predicted: who is done by then may use them meanwhile. */
  readonly startByMs: number;
  /** Whether the seats are owed to its class, so that the top class leaves them alone too. */
  owed: boolean;
}

/**
 * Whose turn it is when seats are free: a lower class that is below its minimum, else the top class, else the lower
 * class that was served least.
 *
 * A ticket whose turn it is and that needs more seats than are free reserves them (EASY backfilling: Lifka 1995): other
 * work passes it only if it is predicted to be done before those seats would be together, so wide work is not starved
 * by narrow work, and does not stop it either. The top class passes it always, unless the seats are owed.
 */
export class Turns<Owner> {
  readonly #queue: WorkQueue<Owner>;
  readonly #seats: Seats;
  readonly #accounts: ClassShares;
  readonly #minima: boolean;
  #reservation: Reservation<Owner> | undefined;
  /** Whether the class that was picked last is owed its seats. */
  #owed = false;

  constructor(queue: WorkQueue<Owner>, seats: Seats, accounts: ClassShares, { minima }: Discipline) {
    this.#queue = queue;
    this.#seats = seats;
    this.#accounts = accounts;
    this.#minima = minima;
  }

  /** Whether a ticket that arrives may take free seats past those that wait. */
  passes(nowMs: number, ticket: Ticket): boolean {
    const { rank } = ticket;
    if (this.#queue.waits(rank) || (rank !== TOP_RANK && this.#queue.waits(TOP_RANK))) return false;
    if (this.#seats.inUse >= this.#seats.limit || !this.#seats.fits(nowMs, ticket)) return false;
    return this.#standing() === undefined || this.#mayPass(nowMs, ticket);
  }

  /** The ticket that is next, if it can have its seats now. It stays queued. */
  next(nowMs: number): Ticket<Owner> | undefined {
    const rank = this.#pick(nowMs);
    const ticket = rank === undefined ? undefined : this.#queue.head(nowMs, rank);
    if (ticket === undefined) return undefined;
    const standing = this.#standing();
    if (standing === undefined) {
      if (this.#seats.fits(nowMs, ticket)) return ticket;
      this.#reserve(nowMs, ticket);
      return this.#backfill(nowMs);
    }
    if (standing.ticket === ticket) standing.owed ||= this.#owed;
    const kept = standing.ticket;
    const topFirst = this.#queue.waits(TOP_RANK) && kept.rank !== TOP_RANK && !standing.owed;
    if (!topFirst && this.#seats.fits(nowMs, kept)) {
      this.#reservation = undefined;
      return kept;
    }
    return ticket !== kept && this.#seats.fits(nowMs, ticket) && this.#mayPass(nowMs, ticket)
      ? ticket
      : this.#backfill(nowMs);
  }

  /** Carries its state; see {@link Archive}. */
  archive(io: Archive): void {
    const kept = this.#reservation;
    const ticket = io.refer<Ticket<Owner>>(kept?.ticket);
    if (ticket !== undefined) {
      const startByMs = io.number(kept?.startByMs ?? 0);
      const owed = io.flag(kept?.owed ?? false);
      if (io.loading) this.#reservation = { ticket, startByMs, owed };
    }
  }

  /** The reservation, unless its ticket has left the queue. */
  #standing(): Reservation<Owner> | undefined {
    const reservation = this.#reservation;
    if (reservation === undefined) return undefined;
    const { state, standsFirst, refusal } = reservation.ticket;
    if (state !== 'queued' || !standsFirst || refusal !== undefined) this.#reservation = undefined;
    return this.#reservation;
  }

  #reserve(nowMs: number, ticket: Ticket<Owner>): void {
    const missing = this.#seats.wanted(nowMs, ticket) - this.#seats.free(nowMs, ticket.rank);
    this.#queue.advance(nowMs, ticket);
    this.#reservation = { ticket, startByMs: nowMs + this.#seats.freeAfterMs(missing), owed: this.#owed };
  }

  /** Whether a ticket that fits may use seats which are kept for another. */
  #mayPass(nowMs: number, ticket: Ticket): boolean {
    const reservation = this.#reservation;
    if (reservation === undefined) return true;
    const mostImportant = ticket.rank === TOP_RANK && reservation.ticket.rank !== TOP_RANK && !reservation.owed;
    return mostImportant || nowMs + ticket.route.times.p90(nowMs) <= reservation.startByMs;
  }

  #backfill(nowMs: number): Ticket<Owner> | undefined {
    const kept = this.#reservation?.ticket;
    for (const rank of PRIORITY_RANKS) {
      if (!this.#queue.waits(rank)) continue;
      const ticket = this.#queue.head(nowMs, rank, kept?.rank === rank);
      if (ticket === undefined || ticket === kept || !this.#seats.fits(nowMs, ticket)) continue;
      if (this.#mayPass(nowMs, ticket)) return ticket;
    }
    return undefined;
  }

  #pick(nowMs: number): PriorityRank | undefined {
    this.#owed = false;
    if (this.#seats.inUse >= this.#seats.limit) return undefined;
    const { waits } = this.#queue;
    const top = waits(TOP_RANK) ? TOP_RANK : undefined;
    if (this.#queue.lowerSize === 0 || this.#seats.free(nowMs, 3) <= 0) return top;
    const owed = this.#minima ? this.#accounts.owed(waits) : undefined;
    this.#owed = owed !== undefined;
    if (owed !== undefined || top !== undefined) return owed ?? top;
    return this.#minima ? this.#accounts.leastServed(waits) : PRIORITY_RANKS.find(waits);
  }
}
