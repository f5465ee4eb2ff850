import type { Bulkhead } from '../../../../src/core/bulkhead.js';
import type { PriorityRank } from '../../../../src/core/priority.js';
import { Ticket } from '../../../../src/core/ticket.js';
import { RecordedRateLimit } from '../../../../src/gateway/recorded-rate-limit.js';
import { DecisionLog } from '../../../../src/telemetry/decision-log/decision-log.js';
import type { LoggedRoute } from '../../../../src/telemetry/decision-log/gate-state.js';
import { VirtualClock } from '../../../support/virtual-clock.js';

/** Uniform in [0, 1), from a number. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

interface DrivenRoute extends LoggedRoute {
  readonly rank: PriorityRank;
}

/** How wild the calls are. */
export interface DriverOptions {
  readonly seed: number;
  readonly records: number;
  readonly calls: number;
  /** How many calls one turn of the event loop makes at most. */
  readonly turn?: number;
}

/** A policy with a log on which every call is made that a gateway can make, in any order and at any instant. */
export class PolicyDriver {
  readonly log: DecisionLog;
  readonly #random: () => number;
  readonly #clock = new VirtualClock(1_000);
  readonly #bulkhead: Bulkhead<string>;
  readonly #routes: readonly DrivenRoute[];
  readonly #rate: RecordedRateLimit;
  readonly #tickets = new Set<Ticket<string>>();
  #turnLeft: number;

  readonly options: DriverOptions;

  constructor(options: DriverOptions) {
    this.options = options;
    this.#random = randomFrom(options.seed);
    this.log = new DecisionLog({ records: options.records, clock: this.#clock, secret: [options.seed, 7] });
    const settings = { seats: 6, servesTopClass: true, maxTenants: 5, maxQueued: 30, rideOutMs: 300 };
    this.#bulkhead = this.log.bulkhead<string>('main', settings);
    this.#routes = [0, 1, 2, 3].map((rank) => this.#route(rank as PriorityRank));
    const perCaller = { refillPerSecond: 4, burst: 2, maxKeys: 20 };
    const rate = { endpoint: { refillPerSecond: 200, burst: 40 }, perCaller };
    this.#rate = new RecordedRateLimit(rate, this.log, 'route0');
    this.#turnLeft = options.turn ?? 40;
  }

  /** Makes all the calls. */
  run(): this {
    for (let call = 0; call < this.options.calls; call++) {
      this.#pass();
      this.#act(this.#random());
    }
    return this;
  }

  #route(rank: PriorityRank): DrivenRoute {
    const name = `route${rank}`;
    const times = this.log.times(name, rank === 2 ? { expectedMs: 30 } : {});
    const deadlineMs = [200, 500, 1_000, 6_000][rank] ?? 0;
    const lastLeaseMs = Number.NEGATIVE_INFINITY;
    const route: DrivenRoute = { name, rank, deadlineMs, maxQueued: 12, times, queued: 0, lastLeaseMs };
    this.log.addRoute({ route, rank, gate: 'main' });
    return route;
  }

  /** Time passes; now and then a turn of the event loop ends. */
  #pass(): void {
    this.#clock.spend(this.#random() < 0.02 ? this.#random() * 700 : this.#random() * 4);
    this.#turnLeft--;
    if (this.#turnLeft > 0) return;
    this.#turnLeft = Math.ceil(this.#random() * (this.options.turn ?? 40));
    this.#clock.runUntil(this.#clock.nowMs());
  }

  #act(which: number): void {
    const nowMs = this.#clock.nowMs();
    if (which < 0.35) this.#arrive(nowMs);
    else if (which < 0.55) this.#next(nowMs);
    else if (which < 0.8) this.#end(nowMs);
    else if (which < 0.85) this.#stepOutOrBack(nowMs);
    else if (which < 0.9) this.#withdraw(nowMs);
    else if (which < 0.91) this.#giveBack(nowMs);
    else if (which < 0.95) this.#read(nowMs);
    else if (which < 0.97) this.#bulkhead.resize(nowMs, 1 + Math.floor(this.#random() * 8));
    else if (which < 0.98) this.#bulkhead.beginOutage(nowMs);
    else this.#bulkhead.endOutage(nowMs);
  }

  #arrive(nowMs: number): void {
    const route = this.#pick(this.#routes);
    if (route === undefined) return;
    const rank = Math.min(3, route.rank + (this.#random() < 0.1 ? 1 : 0)) as PriorityRank;
    const tenant = this.#random() < 0.4 ? `tenant ${Math.floor(this.#random() ** 2 * 12)}` : undefined;
    const seats = this.#random() < 0.2 ? Math.ceil(this.#random() * 4) : 1;
    const allowedMs = this.#random() < 0.2 ? this.#random() * route.deadlineMs : route.deadlineMs;
    const ticket = new Ticket('somebody', route, rank, nowMs, nowMs + allowedMs, tenant, seats);
    const caller = this.#random() < 0.7 ? `caller ${Math.floor(this.#random() ** 2 * 60)}` : undefined;
    const turnedAway = this.#bulkhead.preflight(nowMs, ticket);
    if (turnedAway !== undefined) return this.log.turnAway(nowMs, ticket, caller, turnedAway.code);
    if (this.#rate.take(nowMs, caller, 1) !== undefined) return;
    if (typeof this.#bulkhead.arrive(nowMs, ticket) === 'string') this.#tickets.add(ticket);
    else this.#rate.refund(nowMs, caller, 1);
  }

  #next(nowMs: number): void {
    for (let left = Math.ceil(this.#random() * 4); left > 0; left--) {
      const ticket = this.#bulkhead.next(nowMs);
      if (ticket?.refusal !== undefined) this.#tickets.delete(ticket);
    }
  }

  #end(nowMs: number): void {
    const ticket = this.#some('leased');
    if (ticket === undefined) return;
    const route = this.#routes.find(({ name }) => name === ticket.route.name);
    const heldMs = nowMs - ticket.leasedAtMs;
    if (this.#random() < 0.1) route?.times.recordCensored(nowMs, heldMs);
    else route?.times.record(nowMs, heldMs);
    this.#bulkhead.release(nowMs, ticket);
    this.#tickets.delete(ticket);
  }

  #stepOutOrBack(nowMs: number): void {
    const away = this.#some('away');
    const leased = this.#some('leased');
    if (away !== undefined && this.#random() < 0.7) this.#bulkhead.comeBack(nowMs, away);
    else if (away !== undefined) {
      this.#bulkhead.withdraw(nowMs, away);
      away.state = 'ended';
      this.#tickets.delete(away);
    } else if (leased !== undefined) this.#bulkhead.release(nowMs, leased, 'away');
  }

  #withdraw(nowMs: number): void {
    const ticket = this.#some('queued');
    if (ticket === undefined) return;
    this.#bulkhead.withdraw(nowMs, ticket);
    this.#tickets.delete(ticket);
  }

  #giveBack(nowMs: number): void {
    const ticket = this.#some('leased');
    if (ticket !== undefined) this.#bulkhead.giveBack(nowMs, ticket, Math.ceil(this.#random() * 3));
  }

  /** What somebody reads from outside may be worked out anew for it. */
  #read(nowMs: number): void {
    const { times } = this.#pick(this.#routes) ?? {};
    const which = this.#random();
    if (which < 0.2) times?.p50(nowMs);
    else if (which < 0.4) times?.p90(nowMs);
    else if (which < 0.5) times?.meanMs(nowMs);
    else this.#bulkhead.headroom(nowMs);
  }

  #some(state: Ticket['state']): Ticket<string> | undefined {
    return this.#pick([...this.#tickets].filter((ticket) => ticket.state === state));
  }

  #pick<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.#random() * items.length)];
  }
}
