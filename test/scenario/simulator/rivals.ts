import { queueFull } from '../../../src/core/queue-refusals.js';
import { deadlineUnreachable, expiredInQueue } from '../../../src/core/refusals.js';
import type { Ticket } from '../../../src/core/ticket.js';
import type { Refusal } from '../../../src/errors.js';
import type { Call } from '../../../src/simulator/call.js';
import type { PolicyFactory, PoolSettings, SeatPolicy } from '../../../src/simulator/settings.js';

/** What makes a discipline: who is next, in which order, and what is tested before the queue and before the seat. */
interface Traits {
  /** `one` line for all; `strict` priority; fair by tags at the `arrival` or when `served`. */
  readonly scheduler: 'one' | 'strict' | 'arrival' | 'served';
  readonly order: 'oldest' | 'codel' | 'adaptive';
  readonly atArrival?: 'mean' | 'p90';
  readonly atDispatch?: 'expired' | 'mean' | 'p90' | 'codel';
  /** Whether a ticket leaves the queue at its deadline, or is only found there. */
  readonly eager?: boolean;
  /** Evict the oldest of a class beyond so many seconds of its work. */
  readonly evictBeyondSeconds?: number;
}

/** The disciplines of the reference programs. */
export type RivalName =
  | 'fifo_unbounded'
  | 'fifo_expire_lazy'
  | 'fifo_predict_mean'
  | 'fifo_predict_p90'
  | 'codel_alifo'
  | 'prio_expire_lazy'
  | 'prio_predict_p90'
  | 'wfq_arrivaltags_exp'
  | 'wfq_servedtags_exp'
  | 'wfq_predict_p90'
  | 'wfq_predict_p90_lifo'
  | 'wfq_p90_lifo_evict50'
  | 'wfq_p90_lifo_evict150';

/** The disciplines of `sim_disciplines`, by the names they have there. */
export const RIVALS: Readonly<Record<RivalName, Traits>> = {
  fifo_unbounded: { scheduler: 'one', order: 'oldest' },
  fifo_expire_lazy: { scheduler: 'one', order: 'oldest', atDispatch: 'expired' },
  fifo_predict_mean: { scheduler: 'one', order: 'oldest', atArrival: 'mean', atDispatch: 'mean', eager: true },
  fifo_predict_p90: { scheduler: 'one', order: 'oldest', atArrival: 'p90', atDispatch: 'p90', eager: true },
  codel_alifo: { scheduler: 'one', order: 'codel', atDispatch: 'codel' },
  prio_expire_lazy: { scheduler: 'strict', order: 'oldest', atDispatch: 'expired' },
  prio_predict_p90: { scheduler: 'strict', order: 'oldest', atArrival: 'p90', atDispatch: 'p90', eager: true },
  wfq_arrivaltags_exp: { scheduler: 'arrival', order: 'oldest', atDispatch: 'expired' },
  wfq_servedtags_exp: { scheduler: 'served', order: 'oldest', atDispatch: 'expired', eager: true },
  wfq_predict_p90: { scheduler: 'served', order: 'oldest', atArrival: 'p90', atDispatch: 'p90', eager: true },
  wfq_predict_p90_lifo: { scheduler: 'served', order: 'adaptive', atArrival: 'p90', atDispatch: 'p90', eager: true },
  wfq_p90_lifo_evict50: {
    scheduler: 'served',
    order: 'adaptive',
    atArrival: 'p90',
    atDispatch: 'p90',
    eager: true,
    evictBeyondSeconds: 0.05,
  },
  wfq_p90_lifo_evict150: {
    scheduler: 'served',
    order: 'adaptive',
    atArrival: 'p90',
    atDispatch: 'p90',
    eager: true,
    evictBeyondSeconds: 0.15,
  },
};

/** Ten seats, work of 50 ms on average: what the estimates start from. */
const SEATS = 10;
const MEAN_MS = 50;
const FIRST_P90_MS = 110;
const TICK_MS = 200;
/** A queue that stands for longer is served newest first. */
const STANDING_MS = 100;
const WEIGHTS: readonly number[] = [6, 0, 3, 1];

type Queued = Ticket<Call>;

/** One class of a rival: its line, from the oldest on, and its accounts. */
class Line {
  readonly rank: number;
  readonly weight: number;
  /** Requests a second that it was served, smoothed. */
  perSecond: number;
  /** Tickets in the line that nobody took out. */
  live = 0;
  served = 0;
  virtualMs = 0;
  arrivalTag = 0;
  readonly #tickets: (Queued | undefined)[] = [];
  #from = 0;

  constructor(rank: number, weight: number) {
    this.rank = rank;
    this.weight = weight;
    this.perSecond = ((SEATS * 1_000) / MEAN_MS) * (weight / 10);
  }

  /** Entries, those included that were taken out where they stood. */
  get length(): number {
    return this.#tickets.length - this.#from;
  }

  /** As in the reference: also while a ticket that was taken out stands at the head, until somebody looks there. */
  get looksEmpty(): boolean {
    return this.#tickets[this.#from]?.state !== 'queued';
  }

  get oldest(): Queued | undefined {
    while (this.length > 0 && this.#tickets[this.#from]?.state !== 'queued') this.takeOldest();
    return this.#tickets[this.#from];
  }

  get newest(): Queued | undefined {
    while (this.length > 0 && this.#tickets.at(-1)?.state !== 'queued') this.#tickets.pop();
    return this.#tickets.at(-1);
  }

  put(ticket: Queued): void {
    this.#tickets.push(ticket);
    this.live++;
  }

  takeOldest(): Queued | undefined {
    const ticket = this.#tickets[this.#from];
    this.#tickets[this.#from] = undefined;
    this.#from++;
    if (this.#from < 1_024 || this.#from < this.#tickets.length / 2) return ticket;
    this.#tickets.splice(0, this.#from);
    this.#from = 0;
    return ticket;
  }

  takeNewest(): Queued | undefined {
    return this.#tickets.pop();
  }
}

/** A discipline that Sluice is compared with. */
class Rival implements SeatPolicy {
  readonly #traits: Traits;
  readonly #lines: readonly Line[] = WEIGHTS.map((weight, rank) => new Line(rank, weight));
  readonly #tags = new WeakMap<Queued, number>();
  readonly #evicted: Queued[] = [];
  /** Offered requests a second of each class: strict priority is told them. */
  readonly #offered: readonly number[];
  #seats: number;
  #inUse = 0;
  #queued = 0;
  #meanMs = MEAN_MS;
  #p90Ms = FIRST_P90_MS;
  #virtualMs = 0;
  #standsSinceMs: number | undefined;
  #tickAtMs = TICK_MS;

  constructor(traits: Traits, { seats }: PoolSettings, offered: readonly number[]) {
    this.#traits = traits;
    this.#seats = seats;
    this.#offered = offered;
  }

  get inFlight(): number {
    return this.#inUse;
  }

  get queued(): number {
    return this.#queued;
  }

  preflight(): undefined {
    return undefined;
  }

  arrive(nowMs: number, ticket: Queued): 'leased' | 'queued' | Refusal {
    this.#tick(nowMs);
    if (this.#inUse < this.#seats && this.#queued === 0) {
      this.#lease(nowMs, ticket);
      return 'leased';
    }
    const neededMs = this.#needed(this.#traits.atArrival);
    const waitMs = this.#predictedMs(ticket.rank);
    if (neededMs !== undefined && nowMs + waitMs + neededMs > ticket.deadlineAtMs) {
      return deadlineUnreachable(ticket.route.name, ticket.deadlineAtMs - nowMs, waitMs, neededMs);
    }
    this.#queue(nowMs, ticket);
    return 'queued';
  }

  next(nowMs: number): Queued | undefined {
    this.#tick(nowMs);
    const evicted = this.#evicted.shift();
    if (evicted !== undefined) return evicted;
    const ticket = this.#inUse < this.#seats ? this.#take(nowMs) : undefined;
    if (ticket === undefined) return undefined;
    this.#leaveLine(ticket);
    if (this.#hopeless(nowMs, ticket)) {
      ticket.state = 'ended';
      ticket.refusal = expiredInQueue(nowMs, ticket);
      return ticket;
    }
    this.#charge(ticket);
    this.#lease(nowMs, ticket);
    return ticket;
  }

  release(nowMs: number, ticket: Queued): void {
    this.#tick(nowMs);
    this.#inUse--;
    ticket.state = 'ended';
    const heldMs = nowMs - ticket.leasedAtMs;
    this.#meanMs += (heldMs - this.#meanMs) * 0.01;
    this.#p90Ms += 2 * ((heldMs > this.#p90Ms ? 1 : 0) - 0.1);
  }

  withdraw(nowMs: number, ticket: Queued): boolean {
    this.#tick(nowMs);
    if (ticket.state !== 'queued') return false;
    this.#leaveLine(ticket);
    ticket.state = 'ended';
    return true;
  }

  resize(_nowMs: number, seats: number): void {
    this.#seats = seats;
  }

  anyQueued(): Queued | undefined {
    return this.#waiting()[0]?.oldest;
  }

  givesUpAtMs(_nowMs: number, ticket: Queued): number {
    return this.#traits.eager === true ? ticket.deadlineAtMs : Number.POSITIVE_INFINITY;
  }

  #lineOf(ticket: Queued): Line {
    const line = this.#lines[ticket.rank];
    if (line === undefined) throw new RangeError(`no class of rank ${ticket.rank}`);
    return line;
  }

  #waiting(): Line[] {
    return this.#lines.filter((line) => line.oldest !== undefined);
  }

  #queue(nowMs: number, ticket: Queued): void {
    const line = this.#lineOf(ticket);
    const { scheduler } = this.#traits;
    if (scheduler === 'arrival') {
      line.arrivalTag = Math.max(this.#virtualMs, line.arrivalTag) + this.#meanMs / line.weight;
      this.#tags.set(ticket, line.arrivalTag);
    }
    if (scheduler === 'served' && line.looksEmpty) line.virtualMs = Math.max(line.virtualMs, this.#virtualMs);
    ticket.state = 'queued';
    ticket.queuedAtMs = nowMs;
    line.put(ticket);
    this.#queued++;
    this.#evict(nowMs, line);
    this.#standsSinceMs ??= nowMs;
  }

  #evict(nowMs: number, line: Line): void {
    const { evictBeyondSeconds } = this.#traits;
    if (evictBeyondSeconds === undefined) return;
    const bound = Math.max(3, line.perSecond * evictBeyondSeconds);
    while (line.live > bound) {
      const ticket = line.oldest === undefined ? undefined : line.takeOldest();
      if (ticket === undefined) return;
      this.#leaveLine(ticket);
      ticket.state = 'ended';
      ticket.refusal = queueFull(ticket.route.name, 'pool', line.live, bound, nowMs - ticket.queuedAtMs);
      this.#evicted.push(ticket);
    }
  }

  /** The ticket stays where it stands, and is passed over. */
  #leaveLine(ticket: Queued): void {
    this.#lineOf(ticket).live--;
    this.#queued--;
    if (this.#queued === 0) this.#standsSinceMs = undefined;
  }

  #take(nowMs: number): Queued | undefined {
    const lines = this.#waiting();
    const line = this.#pick(lines);
    if (line === undefined) return undefined;
    if (this.#traits.order === 'codel' && this.#stands(nowMs)) {
      const newest = lines.reduce((one, other) => (arrival(other.newest) > arrival(one.newest) ? other : one));
      return newest.takeNewest();
    }
    const newestFirst = this.#traits.order === 'adaptive' && nowMs - arrival(line.oldest) > STANDING_MS;
    // Asking for the newest clears away who was taken out where he stood.
    return newestFirst && line.newest !== undefined ? line.takeNewest() : line.takeOldest();
  }

  #pick(lines: readonly Line[]): Line | undefined {
    const least = (key: (line: Line) => number): Line | undefined =>
      lines.length === 0 ? undefined : lines.reduce((one, other) => (key(other) < key(one) ? other : one));
    switch (this.#traits.scheduler) {
      case 'one':
        return least((line) => arrival(line.oldest));
      case 'strict':
        return lines[0];
      case 'arrival':
        return least((line) => (line.oldest === undefined ? 0 : (this.#tags.get(line.oldest) ?? 0)));
      case 'served':
        return least((line) => line.virtualMs + this.#meanMs / line.weight);
    }
  }

  #stands(nowMs: number): boolean {
    return this.#standsSinceMs !== undefined && nowMs - this.#standsSinceMs > STANDING_MS;
  }

  #hopeless(nowMs: number, ticket: Queued): boolean {
    const { atDispatch } = this.#traits;
    if (atDispatch === 'expired') return nowMs >= ticket.deadlineAtMs;
    if (atDispatch === 'codel') return nowMs - ticket.arrivedAtMs > (this.#stands(nowMs) ? 5 : STANDING_MS);
    const neededMs = this.#needed(atDispatch);
    return neededMs !== undefined && ticket.deadlineAtMs - nowMs < neededMs;
  }

  #needed(test: Traits['atDispatch']): number | undefined {
    if (test === 'mean') return this.#meanMs;
    return test === 'p90' ? this.#p90Ms : undefined;
  }

  #predictedMs(rank: number): number {
    const perSecond = (this.#seats * 1_000) / this.#meanMs;
    if (this.#traits.scheduler === 'one') return ((this.#queued + 1) * 1_000) / perSecond;
    if (this.#traits.scheduler === 'strict') {
      const ahead = this.#lines.reduce((sum, line) => sum + (line.rank <= rank ? line.length : 0), 1);
      const taken = this.#offered.reduce((sum, offered, above) => sum + (above < rank ? offered : 0), 0);
      return (ahead * 1_000) / Math.max(0.05 * perSecond, perSecond - taken);
    }
    const line = this.#lines[rank];
    const live = line?.live ?? 0;
    const ahead = 1 + (this.#traits.order === 'oldest' ? live : Math.min(live, 3));
    return (ahead * 1_000) / Math.max(1, line?.perSecond ?? 0);
  }

  #charge(ticket: Queued): void {
    const line = this.#lineOf(ticket);
    if (this.#traits.scheduler === 'arrival') {
      this.#virtualMs = Math.max(this.#virtualMs, this.#tags.get(ticket) ?? 0);
    } else if (this.#traits.scheduler === 'served') {
      this.#virtualMs = Math.max(this.#virtualMs, line.virtualMs);
      line.virtualMs += this.#meanMs / line.weight;
    }
  }

  #lease(nowMs: number, ticket: Queued): void {
    ticket.state = 'leased';
    ticket.leasedAtMs = nowMs;
    this.#inUse++;
    this.#lineOf(ticket).served++;
  }

  #tick(nowMs: number): void {
    for (; nowMs >= this.#tickAtMs; this.#tickAtMs += TICK_MS) {
      for (const line of this.#lines) {
        line.perSecond = 0.8 * line.perSecond + 0.2 * ((line.served * 1_000) / TICK_MS);
        line.served = 0;
      }
    }
  }
}

function arrival(ticket: Queued | undefined): number {
  return ticket?.arrivedAtMs ?? Number.POSITIVE_INFINITY;
}

/** Makes a rival. `offered`: requests a second of each class, by rank. */
export function rivals(name: RivalName, offered: readonly number[]): PolicyFactory {
  return (pool) => new Rival(RIVALS[name], pool, offered);
}
