import type { Refusal } from '../errors.js';
import type { Discipline } from './discipline.js';
import { mayWait, mayWaitOut, queueBoundMs } from './feasibility.js';
import type { Forecast } from './forecast.js';
import type { Outage } from './outage.js';
import { overdueMs, overrunMs, settledMs } from './overrun.js';
import { PRIORITY_RANKS } from './priority.js';
import { displaced, overtaken, queueFull, queueTooLong, withoutQueue } from './queue-refusals.js';
import type { Seats } from './seats.js';
import { TenantLine } from './tenant-line.js';
import type { Ticket } from './ticket.js';
import type { WorkQueue } from './work-queue.js';

/** A tenant that had nothing shed for so long may have so many times its part of the queue. */
const SHED_LATELY_MS = 1_000;
const MODEST_PARTS = 4;
/** A queue that was too long is no longer that once it has drained to so much of what it may be. */
const DRAINED_PART = 0.5;

/** What the places of a queue are given by. */
export interface PlacesOptions {
  readonly discipline: Discipline;
  /** Tickets that may wait in all. */
  readonly maxQueued: number;
  readonly outage: Outage;
  readonly seats: Seats;
  /** Whether a long queue tells of no overload at an instant: it is judged by feasibility and count alone. */
  readonly spares: (nowMs: number) => boolean;
}

/**
 * The places in the queue: who may take one, and who has to leave for it. The queue is bounded by count, and each class
 * by predicted work. Beyond the bound the one who would be served last goes: the newcomer while a queue is healthy, the
 * oldest while it is served newest first, and always one of the tenant that has most work queued.
 */
export class Places<Owner> {
  readonly #queue: WorkQueue<Owner>;
  readonly #forecast: Forecast<Owner>;
  readonly #options: PlacesOptions;

  constructor(queue: WorkQueue<Owner>, forecast: Forecast<Owner>, options: PlacesOptions) {
    this.#queue = queue;
    this.#forecast = forecast;
    this.#options = options;
  }

  /**
   * Why a ticket that cannot start at once is refused; `undefined` when there is a place for it. Changes nothing but
   * what is known of the length of the queue.
   */
  refusal(nowMs: number, ticket: Ticket): Refusal | undefined {
    const { discipline, outage } = this.#options;
    const waitMs = this.#forecast.waitMs(nowMs, ticket);
    if (this.#full(ticket) && this.#displaceable(nowMs, ticket) === undefined) {
      return this.#fullRefusal(nowMs, ticket, waitMs);
    }
    if (outage.down) return mayWaitOut(nowMs, ticket, waitMs, outage);
    const refusal = discipline.feasibility ? mayWait(nowMs, ticket, waitMs) : undefined;
    if (refusal !== undefined) return refusal;
    const tooLong = this.#tooLong(nowMs, ticket);
    this.#noteLength(nowMs, ticket, tooLong);
    if (!tooLong) return undefined;
    if (this.#evictable(nowMs, ticket) !== undefined) return undefined;
    return this.#tooLongRefusal(nowMs, ticket, ticket, 'arrival');
  }

  /** Makes the place for a ticket that is not refused: those that leave for it wait to be told. */
  clear(nowMs: number, ticket: Ticket): void {
    if (this.#full(ticket)) {
      const victim = this.#displaceable(nowMs, ticket);
      if (victim !== undefined) this.#displace(nowMs, victim, ticket);
    }
    if (this.#options.outage.down) return;
    for (;;) {
      const tooLong = this.#tooLong(nowMs, ticket);
      const victim = tooLong ? this.#evictable(nowMs, ticket) : this.#overdue(nowMs, ticket);
      if (victim === undefined) return;
      if (victim.line !== undefined) victim.line.shedAtMs = nowMs;
      const refusal = tooLong
        ? this.#tooLongRefusal(nowMs, victim, ticket, 'queue')
        : this.#overtakenRefusal(nowMs, victim);
      this.#queue.evict(nowMs, victim, refusal);
    }
  }

  #full(ticket: Ticket): boolean {
    return routeFull(ticket) || this.#queue.size >= this.#options.maxQueued;
  }

  /** Whether the class has more work queued than it may. */
  #tooLong(nowMs: number, ticket: Ticket): boolean {
    const { discipline, spares } = this.#options;
    if (!discipline.eviction || this.#queue.count(ticket.rank) === 0 || spares(nowMs)) return false;
    const boundMs = this.#boundMs(nowMs, ticket);
    return this.#forecast.drainMs(nowMs, ticket) > boundMs && !this.#modest(nowMs, ticket, boundMs);
  }

  /** Tells the line of a ticket when the queue is too long, and while it has not drained to half of that again. */
  #noteLength(nowMs: number, ticket: Ticket, tooLong: boolean): void {
    const line = this.#queue.lineFor(ticket);
    if (tooLong || (line.crowded(nowMs) && this.#drainsSlowly(nowMs, ticket))) line.crowd(nowMs);
  }

  #drainsSlowly(nowMs: number, ticket: Ticket): boolean {
    const healthyMs = queueBoundMs(nowMs, ticket.route, ticket.rank);
    return this.#forecast.drainMs(nowMs, ticket) > DRAINED_PART * healthyMs;
  }

  /** What the queue of the class may take to drain: no more than keeps the seats at work where the class is overrun. */
  #boundMs(nowMs: number, ticket: Ticket): number {
    if (!this.#overrun(nowMs, ticket)) return queueBoundMs(nowMs, ticket.route, ticket.rank);
    const { needed, brisk } = this.#queue.lineFor(ticket);
    const mostMs = overrunMs(nowMs, ticket);
    if (needed.places >= brisk.size) return mostMs;
    return Math.min(mostMs, (this.#forecast.drainMs(nowMs, ticket) * needed.places) / brisk.size);
  }

  /** Whether the class has had more to do than its seats can for so long that part of it must be turned away. */
  #overrun(nowMs: number, ticket: Ticket): boolean {
    if (!TenantLine.isBrisk(ticket)) return false;
    const own = this.#queue.lineFor(ticket);
    // Nobody else leaves sooner because one tenant asks for too much.
    if (this.#queue.line(ticket.rank).heaviest() !== own) return false;
    return own.lasting(nowMs) && own.standing(nowMs);
  }

  /**
   * Whether even the tenant with most work queued is modest: a burst of one that asks for less than its share. Who had
   * to leave something lately asks for more, so this spares nobody for long where all do.
   */
  #modest(nowMs: number, ticket: Ticket, boundMs: number): boolean {
    const line = this.#queue.line(ticket.rank);
    const heaviest = line.heaviest();
    if (line.rivals(heaviest) === 1 || nowMs - heaviest.shedAtMs <= SHED_LATELY_MS) return false;
    return this.#forecast.drainAlikeMs(nowMs, ticket, heaviest) <= MODEST_PARTS * boundMs;
  }

  /** Who leaves so that the ticket can have a place among its class: `undefined` if nobody but itself. */
  #evictable(nowMs: number, ticket: Ticket): Ticket<Owner> | undefined {
    const line = this.#queue.line(ticket.rank);
    const own = this.#queue.lineFor(ticket);
    const heaviest = line.heaviest();
    const brisk = TenantLine.isBrisk(ticket);
    if (heaviest !== own) return heaviest.last(nowMs, brisk);
    const oldest = this.#overtaken(nowMs, ticket);
    if (oldest === undefined || !this.#overrun(nowMs, ticket)) return oldest;
    // Overrun, the newcomer is the one to go unless somebody has no hope: before its body it costs least to turn away.
    return nowMs - oldest.queuedAtMs > settledMs(nowMs, oldest) ? oldest : undefined;
  }

  /**
   * Who was overtaken for so long that it is told now, though the class has room. Of the top class only in an overload
   * that lasts: it gets its seats back in a moment otherwise.
   */
  #overdue(nowMs: number, ticket: Ticket): Ticket<Owner> | undefined {
    const { discipline, spares } = this.#options;
    if (!discipline.eviction || spares(nowMs)) return undefined;
    const oldest = this.#overtaken(nowMs, ticket);
    // Who has less queued than another is served soon.
    if (oldest === undefined || this.#queue.line(ticket.rank).heaviest() !== oldest.line) return undefined;
    return nowMs - oldest.queuedAtMs > overdueMs(nowMs, oldest) ? oldest : undefined;
  }

  /** The oldest of the line in which the ticket overtakes everybody. */
  #overtaken(nowMs: number, ticket: Ticket): Ticket<Owner> | undefined {
    const own = this.#queue.lineFor(ticket);
    return TenantLine.isBrisk(ticket) && own.standing(nowMs) ? own.brisk.oldest : undefined;
  }

  /**
   * A ticket of the least important class that waits, if the newcomer is more important and has its place then. Of each
   * class only the ticket is looked at that would be served last: a newcomer whose route is at its own bound may find
   * none, although tickets of its route wait before that one. A route is rarely in two classes, and a search would cost
   * every refusal.
   */
  #displaceable(nowMs: number, ticket: Ticket): Ticket<Owner> | undefined {
    if (!this.#options.discipline.displacement) return undefined;
    const ofRoute = routeFull(ticket);
    for (let rank = PRIORITY_RANKS.length - 1; rank > ticket.rank; rank--) {
      const line = this.#queue.line(rank as Ticket['rank']);
      const victim = line.size === 0 ? undefined : line.heaviest().last(nowMs, true);
      // Where the route itself is at its bound, only a place of the same route helps.
      if (victim !== undefined && (!ofRoute || victim.route === ticket.route)) return victim;
    }
    return undefined;
  }

  #displace(nowMs: number, victim: Ticket<Owner>, by: Ticket): void {
    const waitMs = this.#forecast.drainMs(nowMs, victim);
    const queueWaitMs = nowMs - victim.queuedAtMs;
    const { route } = by;
    const refusal = routeFull(by)
      ? displaced(victim.route.name, route.name, 'route', route.queued, route.maxQueued, queueWaitMs, waitMs)
      : displaced(
          victim.route.name,
          route.name,
          'pool',
          this.#queue.size,
          this.#options.maxQueued,
          queueWaitMs,
          waitMs,
        );
    this.#queue.evict(nowMs, victim, refusal);
  }

  /** Says which of the bounds on the count is reached, and counts what that one counts. */
  #fullRefusal(nowMs: number, ticket: Ticket, waitMs: number): Refusal {
    const { seats, maxQueued } = this.#options;
    const { name, queued, maxQueued: bound } = ticket.route;
    if (!routeFull(ticket)) return queueFull(name, 'pool', this.#queue.size, maxQueued, waitMs);
    if (bound > 0) return queueFull(name, 'route', queued, bound, waitMs);
    return withoutQueue(name, seats.free(nowMs, ticket.rank), seats.wanted(nowMs, ticket), waitMs);
  }

  #tooLongRefusal(nowMs: number, victim: Ticket, newcomer: Ticket, stage: 'arrival' | 'queue'): Refusal {
    const drainMs = this.#forecast.drainMs(nowMs, newcomer);
    const boundMs = this.#boundMs(nowMs, newcomer);
    return queueTooLong(victim.route.name, stage, this.#queue.count(newcomer.rank), drainMs, boundMs);
  }

  #overtakenRefusal(nowMs: number, victim: Ticket): Refusal {
    const { route, rank, queuedAtMs } = victim;
    const drainMs = this.#forecast.drainMs(nowMs, victim);
    return overtaken(route.name, this.#queue.count(rank), nowMs - queuedAtMs, overdueMs(nowMs, victim), drainMs);
  }
}

/** Whether the route of a ticket has as many queued as it may. */
function routeFull({ route }: Ticket): boolean {
  return route.queued >= route.maxQueued;
}
