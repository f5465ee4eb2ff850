import type { Archive } from './archive.js';
import { ClassLoad } from './class-load.js';
import type { Shares } from './class-shares.js';
import { PRIORITY_RANKS, type PriorityRank, TOP_RANK } from './priority.js';
import type { Seats } from './seats.js';
import { TenantLine } from './tenant-line.js';
import type { Ticket } from './ticket.js';
import type { WorkQueue } from './work-queue.js';

/** Newest first, a ticket still waits for about so many that come after it and are served before. */
const OVERTAKEN_BY = 3;

/** What a ticket that arrives now has ahead of it, in milliseconds of wait. */
export class Forecast<Owner> {
  readonly #queue: WorkQueue<Owner>;
  readonly #seats: Seats;
  readonly #shares: Shares;
  readonly #load = new ClassLoad();

  constructor(queue: WorkQueue<Owner>, seats: Seats, shares: Shares) {
    this.#queue = queue;
    this.#seats = seats;
    this.#shares = shares;
  }

  /** Brings the measured drain of each class to an instant. */
  advance(nowMs: number): void {
    this.#load.advance(nowMs, this.#seats.byClass, this.#queue.waits);
  }

  /** How long the queue in which the ticket would stand takes to drain. */
  drainMs(nowMs: number, ticket: Ticket): number {
    return this.#aheadMs(nowMs, ticket) / this.#drainSeats(nowMs, ticket.rank);
  }

  /** How long the class of a ticket would take if each of its tenants had as much queued as the one of this line. */
  drainAlikeMs(nowMs: number, { rank, route }: Ticket, line: TenantLine<Owner>): number {
    const workMs = line.workMs(route.times.meanMs(nowMs)) * this.#queue.line(rank).rivals(line);
    return workMs / this.#drainSeats(nowMs, rank);
  }

  /** How long a ticket that arrives now waits for its seats: newest first, it has little ahead of it. */
  waitMs(nowMs: number, ticket: Ticket): number {
    const { rank, route } = ticket;
    let aheadMs = this.#aheadMs(nowMs, ticket);
    if (TenantLine.isBrisk(ticket) && this.#queue.lineFor(ticket).standing(nowMs)) {
      const ownMs = route.times.meanMs(nowMs) * this.#seats.wanted(nowMs, ticket);
      const littleMs = OVERTAKEN_BY * ownMs + this.#queue.firstWorkMs(rank, 0);
      aheadMs = Math.min(aheadMs, littleMs);
    }
    // All seats serve the top class first, as far as it waits.
    const topMs = rank === TOP_RANK ? 0 : this.#queue.workMs(TOP_RANK) / Math.max(1, this.#seats.limit);
    return topMs + aheadMs / this.#drainSeats(nowMs, rank) + this.#ownSeatsMs(nowMs, ticket);
  }

  /** How long the seats of the ticket itself take to come free, once nobody is ahead of it. */
  #ownSeatsMs(nowMs: number, ticket: Ticket): number {
    const missing = this.#seats.wanted(nowMs, ticket) - this.#seats.free(nowMs, ticket.rank);
    return missing <= 0 ? 0 : this.#seats.freeAfterMs(missing);
  }

  /** Carries its state; see {@link Archive}. */
  archive(io: Archive): void {
    this.#load.archive(io);
  }

  /**
   * Seat-milliseconds ahead: all of the class, or what stands in the ticket's own line for each line that takes turns
   * with it, where that is less.
   */
  #aheadMs(nowMs: number, ticket: Ticket): number {
    const { rank, route } = ticket;
    if (this.#queue.count(rank) === 0) return 0;
    const guessMs = route.times.meanMs(nowMs);
    const allMs = this.#queue.workMs(rank, guessMs);
    const line = this.#queue.lineFor(ticket);
    const kinds = line.brisk.size > 0 && line.patient.size > 0 && line.standing(nowMs) ? 2 : 1;
    const lines = this.#queue.line(rank).rivals(line) * kinds;
    if (lines === 1) return allMs;
    const own = kinds === 1 ? line.workMs(guessMs) : line.work(TenantLine.isBrisk(ticket)).ms(guessMs);
    return Math.min(allMs, own * lines + this.#queue.firstWorkMs(rank, guessMs));
  }

  /** Seats with which a class drains its queue: measured while it waits, or what it may expect. */
  #drainSeats(nowMs: number, rank: PriorityRank): number {
    return this.#load.seats(rank, this.#nominalSeats(nowMs, rank), this.#leastSeats(rank));
  }

  #nominalSeats(nowMs: number, rank: PriorityRank): number {
    const { limit } = this.#seats;
    if (rank === TOP_RANK) return limit * (this.#queue.lowerSize > 0 ? this.#shares.cap : 1);
    const left = Math.min(this.#seats.open(nowMs, rank), limit - this.#seats.topBusy(nowMs));
    return left * this.#partOf(rank);
  }

  /** What a lower class gets of the seats that lower classes share, beside those that wait now. */
  #partOf(rank: PriorityRank): number {
    const { minima } = this.#shares;
    let all = minima[rank];
    for (const other of PRIORITY_RANKS) {
      if (other !== TOP_RANK && other !== rank && this.#queue.waits(other)) all += minima[other];
    }
    return all === minima[rank] ? 1 : minima[rank] / all;
  }

  /** What a class gets in any case; a little more than nothing, so that a wait can be computed. */
  #leastSeats(rank: PriorityRank): number {
    return Math.max(0.01, this.#seats.limit * (rank === TOP_RANK ? this.#shares.cap : this.#shares.minima[rank]));
  }
}
