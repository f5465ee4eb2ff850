import { ClassQueue } from './class-queue.js';
import { PRIORITY_RANKS, type PriorityRank } from './priority.js';
import type { Ticket } from './ticket.js';

/** A {@link ClassQueue} of tickets that knows how much work waits in each class, and how many tickets of each route. */
export class WorkQueue<Owner> {
  readonly #lines = new ClassQueue<Ticket<Owner>>();
  readonly #workMs: [number, number, number, number] = [0, 0, 0, 0];
  /** Tickets that were queued before anything was known of their route. */
  readonly #unknown: [number, number, number, number] = [0, 0, 0, 0];
  /** Whether a class has tickets queued: made once, because the accounts ask for it at every event. */
  readonly waits = (rank: PriorityRank): boolean => this.#lines.count(rank) > 0;

  /** Tickets in all classes. */
  get size(): number {
    return this.#lines.size;
  }

  /** Tickets in the classes below the top one. */
  get lowerSize(): number {
    return this.#lines.size - this.#lines.count(0);
  }

  /** Tickets of one class. */
  count(rank: PriorityRank): number {
    return this.#lines.count(rank);
  }

  /**
   * Seat-milliseconds that wait in one class, as predicted when each ticket was queued.
   *
   * @param guessMs - What to count for a ticket that was queued before anything was known of its route: without a guess
   *   a surge at the start would count as no work at all.
   */
  workMs(rank: PriorityRank, guessMs = 0): number {
    return this.#workMs[rank] + this.#unknown[rank] * guessMs;
  }

  /** The ticket that is served next within its class. */
  head(rank: PriorityRank): Ticket<Owner> | undefined {
    return this.#lines.oldest(rank);
  }

  /** The next ticket of the most important class that waits. */
  first(): Ticket<Owner> | undefined {
    for (const rank of PRIORITY_RANKS) if (this.#lines.count(rank) > 0) return this.#lines.oldest(rank);
    return undefined;
  }

  /** Queues a ticket, `first` at the head of its class. */
  add(nowMs: number, ticket: Ticket<Owner>, first: boolean): void {
    ticket.state = 'queued';
    ticket.queuedAtMs = nowMs;
    ticket.expectedMs = ticket.route.times.meanMs(nowMs);
    ticket.route.queued++;
    this.#workMs[ticket.rank] += ticket.expectedMs;
    if (ticket.expectedMs === 0) this.#unknown[ticket.rank]++;
    if (first) this.#lines.putFirst(ticket);
    else this.#lines.put(ticket);
  }

  /** Takes a ticket out, wherever it stands. */
  remove(ticket: Ticket<Owner>): void {
    this.#lines.remove(ticket);
    ticket.route.queued--;
    if (ticket.expectedMs === 0) this.#unknown[ticket.rank]--;
    const leftMs = this.#workMs[ticket.rank] - ticket.expectedMs;
    // Sums of many floating-point steps drift; an empty line has no work by definition.
    this.#workMs[ticket.rank] = this.waits(ticket.rank) ? Math.max(0, leftMs) : 0;
  }
}
