import { ceilDecimal } from './numbers.js';
import { LEAST_OF_KIND, QuietTimes } from './quiet-times.js';
import { emptySums, sumOf, type UseSums } from './seat-use-sums.js';

/** What the size of a pool should do, and what it should be then. It is advice: nothing acts on it. */
export interface PoolAdvice {
  readonly action: 'grow' | 'shrink' | 'leave';
  /** What it rests on; `detail` tells it with the figures. */
  readonly reason: AdviceReason;
  /**
   * Seats that the pool should have, by what was seen: the present number where it is to be left. Of connections it
   * needs that times its `operationsPerRequest`; the budget of the server has the last word.
   */
  readonly seats: number;
  /** One sentence for a person. */
  readonly detail: string;
}

/** Why an advice is given; its `detail` tells it with the figures. */
export type AdviceReason =
  | 'little_seen'
  | 'fits'
  | 'room_in_database'
  | 'room_unknown'
  | 'limit_lowered'
  | 'database_busy'
  | 'database_saturated'
  | 'seats_unused';

/** A request that gives its seat back, and how it found the pool. */
export interface SeatUse {
  readonly route: string;
  /** How long it held its seat, in ms. */
  readonly heldMs: number;
  /** How long it waited for it, in ms. */
  readonly waitMs: number;
  /** Seats in use when it got its own, that included. */
  readonly found: number;
  /** Seats in use before it goes. */
  readonly left: number;
  /** The concurrency limit. */
  readonly limit: number;
}

/** Half of what is looked back on. */
const HALF_MS = 30_000;
/** Requests below which nothing is said. */
const LEAST_SEEN = 50;
/** A pool is at its limit when so many of its requests find it full. */
const FULL_SHARE = 0.1;
/** Waiting counts from this part of the work on, and refusals from this part of the requests. */
const WAIT_SHARE = 0.1;
const SHED_SHARE = 0.01;
/** Routes whose quiet time is not known keep quiet about the others when they hold so much of the seats' time. */
const UNKNOWN_SHARE = 0.1;
/** Work that takes this much longer in a full pool: below, there is room; above, more seats would only queue inside. */
const ROOM = 1.2;
const SATURATED = 2;
/** A pool grows by a quarter at a time, and keeps some more seats than were ever in use, or are of use. */
const STEP = 1 / 4;
const SPARE = 1.25;
const SPARE_UNUSED = 1.5;
/** Two keep one slow request from being an outage. */
const LEAST_SEATS = 2;

/**
 * Advises on the size of a pool from what its requests meet: seat use, wait times, and service times in a full pool
 * against those of the same routes in a quiet one.
 *
 * A pool should grow only when it is at its limit and the database has room, that is when work takes no longer in a full
 * pool. Where it takes longer, the server queues inside (locks, cores, disks), and more seats make that queue longer: by
 * Little's law (1961) of `n` seats with work that takes `r` times as long, `n / r` do something. Comparing each route
 * with itself keeps a change of the mix from looking like a change of the load.
 *
 * Pure; memory: six numbers a route.
 */
export class PoolAdvisor {
  readonly #quiet = new QuietTimes();
  #present: UseSums = emptySums();
  #past: UseSums = emptySums();
  #sinceMs: number;
  readonly #beganMs: number;
  readonly #seats: number;
  #limit: number;

  /** @param seats - The concurrency limit while nothing lowers it. */
  constructor(nowMs: number, seats: number) {
    this.#seats = seats;
    this.#sinceMs = nowMs;
    this.#beganMs = nowMs;
    this.#limit = seats;
  }

  /** A request that came to its own end, or to its deadline, gives its seat back. */
  ended(nowMs: number, use: SeatUse): void {
    this.#turn(nowMs);
    const half = this.#present;
    this.#limit = use.limit;
    half.requests += 1;
    half.heldMs += use.heldMs;
    half.heldByRoute.set(use.route, (half.heldByRoute.get(use.route) ?? 0) + use.heldMs);
    half.waitMs += use.waitMs;
    const most = Math.max(use.found, use.left);
    half.peak = Math.max(half.peak, most);
    this.#quiet.note(use.route, use.heldMs, most, use.limit);
    if (use.found < use.limit) return;
    half.full += 1;
    const quietMs = this.#quiet.ms(use.route);
    if (quietMs === undefined) return;
    half.compared += 1;
    half.comparedMs += use.heldMs;
    half.quietMs += quietMs;
  }

  /** A request is shed for want of seats: who is let in may hardly wait then, and the pool is too small all the same. */
  shed(nowMs: number): void {
    this.#turn(nowMs);
    this.#present.shed += 1;
  }

  /** What follows from the last half minute to minute. */
  advice(nowMs: number): PoolAdvice {
    this.#turn(nowMs);
    const seen = sumOf(this.#past, this.#present);
    const limit = this.#limit;
    if (seen.requests < LEAST_SEEN) {
      return {
        action: 'leave',
        reason: 'little_seen',
        seats: limit,
        detail: `${seen.requests} requests say too little`,
      };
    }
    const fullShare = (seen.full + seen.shed) / (seen.requests + seen.shed);
    if (fullShare >= FULL_SHARE) {
      const found = atItsLimit(seen, fullShare, limit, this.#seats);
      return found.action === 'grow' ? this.#unlessUnknown(seen, found, limit) : found;
    }
    const used = Math.max(LEAST_SEATS, ceilDecimal(seen.peak * SPARE_UNUSED));
    if (used < limit && nowMs - this.#beganMs >= 2 * HALF_MS) {
      const detail = `${seen.peak} of ${limit} seats were in use at most: the rest holds connections for nothing`;
      return { action: 'shrink', reason: 'seats_unused', seats: used, detail };
    }
    const detail = `${percent(fullShare)} of the requests found all ${limit} seats in use`;
    return { action: 'leave', reason: 'fits', seats: limit, detail };
  }

  /** The quick work of one route does not speak for that of another, which may wait for a lock. */
  #unlessUnknown({ heldMs, heldByRoute }: UseSums, advice: PoolAdvice, limit: number): PoolAdvice {
    const unknown = [...heldByRoute]
      .filter(([route]) => this.#quiet.ms(route) === undefined)
      .sort(([, a], [, b]) => b - a);
    const share = unknown.reduce((sum, [, ms]) => sum + ms, 0) / heldMs;
    if (share < UNKNOWN_SHARE) return advice;
    const names = unknown.map(([route]) => route).join(', ');
    const detail =
      `the pool is at its limit, but ${percent(share)} of its seats' time is work of ${names}, and how long that takes ` +
      'in a quiet pool is not known yet';
    return { action: 'leave', reason: 'room_unknown', seats: limit, detail };
  }

  #turn(nowMs: number): void {
    const passedMs = nowMs - this.#sinceMs;
    if (passedMs < HALF_MS) return;
    this.#past = passedMs < 2 * HALF_MS ? this.#present : emptySums();
    this.#present = emptySums();
    this.#sinceMs = nowMs;
  }
}

function atItsLimit(seen: UseSums, fullShare: number, limit: number, most: number): PoolAdvice {
  const full = `${percent(fullShare)} of the requests found all ${limit} seats in use`;
  const leave = (reason: AdviceReason, why: string): PoolAdvice => {
    return { action: 'leave', reason, seats: limit, detail: `${full}, ${why}` };
  };
  const shedShare = seen.shed / (seen.requests + seen.shed);
  const shed = shedShare >= SHED_SHARE;
  const waits = shed || seen.waitMs >= seen.heldMs * WAIT_SHARE;
  if (seen.compared < LEAST_OF_KIND) {
    if (!waits) return leave('fits', 'and hardly waited');
    return leave('room_unknown', 'but how long their work takes in a quiet pool is not known yet');
  }
  const slower = seen.comparedMs / Math.max(seen.quietMs, Number.MIN_VALUE);
  const work = `their work takes ${slower.toFixed(1)} times as long as in a quiet pool`;
  const useful = Math.max(LEAST_SEATS, ceilDecimal((limit / slower) * SPARE));
  if (slower >= SATURATED && useful < limit) {
    const detail = `${full}, and ${work}: the database is busy with fewer`;
    return { action: 'shrink', reason: 'database_saturated', seats: useful, detail };
  }
  if (!waits) return leave('fits', 'and hardly waited');
  if (slower > ROOM) return leave('database_busy', `and ${work}: more seats would wait inside the database`);
  if (limit < most)
    return leave('limit_lowered', `and ${work}, but the pool has ${most}: something else lowers its limit`);
  const seats = limit + Math.max(1, Math.floor(limit * STEP));
  const met = shed
    ? `, and ${percent(shedShare)} were shed`
    : ` and waited ${percent(seen.waitMs / seen.heldMs)} of their work's time`;
  const detail = `${full}${met}, and the database has room: ${work}`;
  return { action: 'grow', reason: 'room_in_database', seats, detail };
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}
