import type { Refusal } from '../errors.js';
import type { Archive } from './archive.js';
import { ClassShares, DEFAULT_SHARES, type Shares } from './class-shares.js';
import { DEFAULT_DISCIPLINE, type Discipline } from './discipline.js';
import { Doubtful } from './doubtful.js';
import { Forecast } from './forecast.js';
import { HeadroomGauge } from './headroom-gauge.js';
import { Leases } from './leases.js';
import { Outage } from './outage.js';
import { Places } from './places.js';
import { Seats } from './seats.js';
import { Standstill } from './standstill.js';
import type { Ticket } from './ticket.js';
import { Turns } from './turns.js';
import { WorkQueue } from './work-queue.js';

/** Settings of a `Bulkhead`. */
export interface BulkheadOptions {
  /** Seats, at least 0. With 0 nothing passes. */
  readonly seats: number;
  /** Seats that lower classes leave to the top class. `undefined`: measured from its arrivals. */
  readonly headroom?: number | undefined;
  /** Whether a route of the top class uses these seats; without one there is no headroom. */
  readonly servesTopClass: boolean;
  readonly shares?: Shares;
  /** How much of an outage tickets wait out, counted from its start, and of a standstill, in ms. Default 2,000. */
  readonly rideOutMs?: number;
  /** Mechanisms to switch off. Default: none. */
  readonly discipline?: Partial<Discipline>;
  /** Tenants of each class that have an account of their own at most; the others share one. Default 1,024. */
  readonly maxTenants?: number;
  /** Tickets that wait in all classes at most, whatever each route may queue. Default 65,536. */
  readonly maxQueued?: number;
}

/** What a bulkhead is put together from: all its state, and what is brought up to an instant as one. */
export class BulkheadParts<Owner> {
  readonly outage: Outage;
  readonly discipline: Discipline;
  readonly gauge: HeadroomGauge;
  readonly seats: Seats;
  readonly queue: WorkQueue<Owner>;
  readonly accounts: ClassShares;
  readonly leases: Leases<Owner>;
  readonly forecast: Forecast<Owner>;
  readonly places: Places<Owner>;
  readonly turns: Turns<Owner>;
  readonly standstill: Standstill;
  readonly doubtful: Doubtful<Owner>;

  constructor(options: BulkheadOptions) {
    const { shares = DEFAULT_SHARES, rideOutMs = 2_000, maxTenants = 1_024, maxQueued = 65_536 } = options;
    const discipline = { ...DEFAULT_DISCIPLINE, ...options.discipline };
    const outage = new Outage(rideOutMs);
    const spares = (nowMs: number): boolean => outage.recovering(nowMs) || this.standstill.spares(nowMs);
    const mayOvertake = (nowMs: number): boolean => discipline.lifo && !outage.down && !spares(nowMs);
    this.discipline = discipline;
    this.outage = outage;
    this.doubtful = new Doubtful(outage);
    this.gauge = new HeadroomGauge({
      fixed: discipline.headroom ? options.headroom : 0,
      servesTopClass: options.servesTopClass,
    });
    this.seats = new Seats(options.seats, this.gauge);
    this.queue = new WorkQueue({ mayOvertake, bounded: discipline.eviction, maxTenants }, (nowMs, ticket) =>
      this.seats.wanted(nowMs, ticket),
    );
    this.accounts = new ClassShares(shares);
    this.standstill = new Standstill(this.seats, this.queue, rideOutMs);
    this.leases = new Leases(this.queue, this.seats, this.accounts, this.standstill);
    this.forecast = new Forecast(this.queue, this.seats, shares);
    this.places = new Places(this.queue, this.forecast, {
      discipline,
      maxQueued,
      outage,
      seats: this.seats,
      spares,
    });
    this.turns = new Turns(this.queue, this.seats, this.accounts, discipline);
  }

  /** Brings to this instant what goes on by itself: the time that classes were served, and the forecast. */
  advance(nowMs: number): void {
    this.accounts.advance(nowMs, this.seats.limit, this.queue.waits);
    this.forecast.advance(nowMs);
  }

  /** Whether a ticket may take free seats past those that wait. */
  passes(nowMs: number, ticket: Ticket): boolean {
    return !this.outage.down && this.turns.passes(nowMs, ticket);
  }

  /** Gives a ticket the seats that are free for it now. False when it has to wait. */
  startAtOnce(nowMs: number, ticket: Ticket<Owner>): boolean {
    if (!this.passes(nowMs, ticket)) return false;
    this.leases.begin(nowMs, ticket);
    return true;
  }

  /** Why a ticket that cannot start at once is turned away, and that its tenant was. */
  judge(nowMs: number, ticket: Ticket): Refusal | undefined {
    const refusal = this.places.refusal(nowMs, ticket);
    if (refusal !== undefined) this.queue.line(ticket.rank).noteUnserved(nowMs, ticket);
    return refusal;
  }

  /** Makes sure that a ticket holds seats to give back, before any account is told. */
  mustHold(nowMs: number, { state }: Ticket<Owner>): void {
    if (state !== 'leased') throw new Error(`a ticket in state "${state}" holds no seat to give back`);
    if (this.queue.size > 0) this.advance(nowMs);
  }

  /** Carries all state; see {@link Archive}. */
  archive(io: Archive): void {
    const { outage, gauge, seats, queue, accounts, forecast, turns, standstill, doubtful } = this;
    for (const part of [outage, gauge, seats, queue, accounts, forecast, turns, standstill, doubtful]) part.archive(io);
  }
}
