import { type Arrival, Bulkhead } from '../../src/core/bulkhead.js';
import type { BulkheadOptions } from '../../src/core/bulkhead-parts.js';
import type { PriorityRank } from '../../src/core/priority.js';
import { ServiceTimes } from '../../src/core/service-times.js';
import { type RouteLoad, Ticket } from '../../src/core/ticket.js';
import { type Random, seededRandom } from '../load/random.js';
import { EventQueue } from './event-queue.js';

/** What one route is offered. */
export interface Traffic {
  readonly name: string;
  readonly rank: PriorityRank;
  readonly deadlineMs: number;
  /** Arrivals a second at an instant; never above `peak`. */
  readonly perSecond: (nowMs: number) => number;
  readonly peak: number;
  readonly serviceMs: (random: Random) => number;
  readonly tenant?: (random: Random) => string;
  readonly seats?: number;
}

/** One run of a {@link SeatModel}. */
export interface SeatModelOptions {
  readonly seats: number;
  readonly traffic: readonly Traffic[];
  readonly untilMs: number;
  readonly seed: number;
  /** Whether work is stopped at its deadline, as a database does it, or runs on for nobody, as in the Python programs. */
  readonly cancels: boolean;
  readonly bulkhead?: Partial<BulkheadOptions>;
}

/** How one request went. `endedAtMs` is the instant of its answer, good or bad. */
export interface Fate {
  readonly route: string;
  readonly tenant: string | undefined;
  readonly arrivedAtMs: number;
  readonly serviceMs: number;
  startedAtMs?: number;
  endedAtMs?: number;
  outcome?: 'good' | 'late' | 'shed';
  code?: string;
  /** How long a shed one was told to stay away, where it was told anything. */
  retryAfterMs?: number;
}

/** A bulkhead under offered load on a virtual clock, with nothing around it: a database of so many seats that sleeps. */
export class SeatModel {
  readonly fates: Fate[] = [];
  /** The most tickets that were queued at once. */
  longestQueue = 0;
  readonly bulkhead: Bulkhead<Fate>;
  readonly #options: SeatModelOptions;
  readonly #events = new EventQueue();
  readonly #random: Random;
  readonly #times = new Map<RouteLoad, ServiceTimes>();

  constructor(options: SeatModelOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.bulkhead = new Bulkhead<Fate>({ seats: options.seats, servesTopClass: true, ...options.bulkhead });
    for (const traffic of options.traffic) this.#offer(traffic);
    this.#events.run();
  }

  #offer(traffic: Traffic): void {
    const times = new ServiceTimes();
    const route: RouteLoad = {
      name: traffic.name,
      deadlineMs: traffic.deadlineMs,
      maxQueued: 1_000,
      times,
      queued: 0,
      lastLeaseMs: Number.NEGATIVE_INFINITY,
    };
    this.#times.set(route, times);
    const next = (fromMs: number): void => {
      const atMs = fromMs - (Math.log(1 - this.#random()) * 1_000) / traffic.peak;
      if (atMs > this.#options.untilMs) return;
      this.#events.at(atMs, () => {
        if (this.#random() * traffic.peak < traffic.perSecond(atMs)) this.#arrive(atMs, traffic, route);
        next(atMs);
      });
    };
    next(0);
  }

  #arrive(nowMs: number, traffic: Traffic, route: RouteLoad): void {
    const serviceMs = traffic.serviceMs(this.#random);
    const fate: Fate = { route: route.name, tenant: traffic.tenant?.(this.#random), arrivedAtMs: nowMs, serviceMs };
    this.fates.push(fate);
    const deadlineAtMs = nowMs + traffic.deadlineMs;
    const ticket = new Ticket(fate, route, traffic.rank, nowMs, deadlineAtMs, fate.tenant, traffic.seats);
    const arrival: Arrival = this.bulkhead.arrive(nowMs, ticket);
    if (arrival === 'leased') this.#start(nowMs, ticket);
    else if (arrival === 'queued') this.#expireLater(nowMs, ticket);
    else this.#shed(nowMs, fate, arrival);
    this.longestQueue = Math.max(this.longestQueue, this.bulkhead.queued);
    this.#handOut(nowMs);
  }

  #expireLater(nowMs: number, ticket: Ticket<Fate>): void {
    this.#events.at(this.bulkhead.givesUpAtMs(nowMs, ticket), (atMs) => {
      if (this.bulkhead.withdraw(atMs, ticket)) this.#shed(atMs, ticket.owner, { code: 'given_up' });
    });
  }

  #handOut(nowMs: number): void {
    for (let one = this.bulkhead.next(nowMs); one !== undefined; one = this.bulkhead.next(nowMs)) {
      if (one.refusal === undefined) this.#start(nowMs, one);
      else this.#shed(nowMs, one.owner, one.refusal);
    }
  }

  #start(nowMs: number, ticket: Ticket<Fate>): void {
    const fate = ticket.owner;
    fate.startedAtMs = nowMs;
    const doneAtMs = nowMs + fate.serviceMs;
    const cut = this.#options.cancels && doneAtMs > ticket.deadlineAtMs;
    this.#events.at(cut ? ticket.deadlineAtMs : doneAtMs, (atMs) => {
      fate.endedAtMs = atMs;
      fate.outcome = doneAtMs <= ticket.deadlineAtMs ? 'good' : 'late';
      const times = this.#times.get(ticket.route);
      if (cut) times?.recordCensored(atMs, atMs - nowMs);
      else times?.record(atMs, atMs - nowMs);
      this.bulkhead.release(atMs, ticket);
      this.#handOut(atMs);
    });
  }

  #shed(nowMs: number, fate: Fate, { code, retryAfterMs }: { code: string; retryAfterMs?: number }): void {
    fate.endedAtMs = nowMs;
    fate.outcome = 'shed';
    fate.code = code;
    if (retryAfterMs !== undefined) fate.retryAfterMs = retryAfterMs;
  }
}
