import { type Deadline, DeadlineTimer } from '../../src/admission/deadline-timer.js';
import { Gate, type GateClient } from '../../src/admission/gate.js';
import { policySettings } from '../../src/cli/replay/other-settings.js';
import { settingsOf } from '../../src/cli/simulator-settings.js';
import type { GatewayOptions } from '../../src/config/options.js';
import { Ticket } from '../../src/core/ticket.js';
import { RecordedRateLimit } from '../../src/gateway/recorded-rate-limit.js';
import type { RateLimit } from '../../src/rate-limit/rate-limit.js';
import { seededRandom } from '../../src/simulator/random.js';
import { DecisionLog } from '../../src/telemetry/decision-log/decision-log.js';
import type { LoggedRoute } from '../../src/telemetry/decision-log/gate-state.js';
import { VirtualClock } from './virtual-clock.js';

interface Route extends LoggedRoute {
  readonly rank: 0 | 1 | 2 | 3;
  readonly rate: RateLimit | undefined;
  readonly gate: Gate;
}

/** A log of requests that came to gates on a virtual clock, and what became of each. */
export interface RecordedRun {
  readonly bytes: Uint8Array;
  /** Requests by what became of them. */
  readonly fates: ReadonlyMap<string, number>;
}

/**
 * Sends requests, one every 2.5 ms on average, each to one of the routes in turn, with 10 ms of work on average. The
 * gates, queues and buckets are those of the product; the clock is virtual, so that the same log comes out every time.
 *
 * @param records - How many the log keeps.
 * @param busy - The process does other things as well, up to 100 ms at a time: timers, answers and hand-outs are late.
 */
export function recordedRun(options: GatewayOptions, requests: number, records = 1_000_000, busy = false): RecordedRun {
  const clock = new VirtualClock();
  const timer = new DeadlineTimer(clock);
  const log = new DecisionLog({ records, clock, secret: [1, 2] });
  const routes = buildRoutes(options, log, clock, timer);
  const random = seededRandom(1, 'recorded run');
  const exponential = (meanMs: number): number => -Math.log(1 - random()) * meanMs;
  const fates = new Map<string, number>();
  const stalls = seededRandom(1, 'stalls');
  const stall = (): void => {
    if (busy) clock.spend(stalls() < 0.03 ? stalls() * 100 : stalls() * 0.3);
  };
  let atMs = 0;
  for (let place = 0; place < requests; place++) {
    const route = routes[place % routes.length];
    if (route === undefined) continue;
    atMs += exponential(2.5);
    const serviceMs = exponential(10);
    clock.input(atMs, () => {
      stall();
      new Visit(route, clock, timer, log, serviceMs, fates, stall).enter(clock.nowMs());
    });
  }
  clock.runUntil(atMs + 60_000);
  return { bytes: log.document('enforce'), fates };
}

function buildRoutes(options: GatewayOptions, log: DecisionLog, clock: VirtualClock, timer: DeadlineTimer): Route[] {
  const { gates, routes } = policySettings(settingsOf(options, {}));
  const built = gates.map(({ name, options: own }) => new Gate(log.bulkhead<GateClient>(name, own), clock, timer));
  return routes.flatMap(({ name, rank, deadlineMs, maxQueued, times, rate, gate: place = 0 }) => {
    const gate = built[place];
    if (gate === undefined) return [];
    const route: Route = {
      name,
      rank,
      deadlineMs,
      maxQueued,
      times: log.times(name, times),
      rate: rate && new RecordedRateLimit(rate, log, name),
      gate,
      queued: 0,
      lastLeaseMs: Number.NEGATIVE_INFINITY,
    };
    log.addRoute({ route, rank, gate: gates[place]?.name });
    return [route];
  });
}

/** One request on its way, in the steps of the gateway. */
class Visit implements GateClient, Deadline {
  dueAtMs = 0;
  heapIndex = -1;
  readonly #ticket: Ticket<GateClient>;
  readonly #route: Route;
  readonly #clock: VirtualClock;
  readonly #timer: DeadlineTimer;
  readonly #log: DecisionLog;
  readonly #serviceMs: number;
  readonly #fates: Map<string, number>;
  readonly #stall: () => void;

  constructor(
    route: Route,
    clock: VirtualClock,
    timer: DeadlineTimer,
    log: DecisionLog,
    serviceMs: number,
    fates: Map<string, number>,
    stall: () => void,
  ) {
    this.#route = route;
    this.#clock = clock;
    this.#timer = timer;
    this.#log = log;
    this.#serviceMs = serviceMs;
    this.#fates = fates;
    this.#stall = stall;
    const nowMs = clock.nowMs();
    this.#ticket = new Ticket<GateClient>(this, route, route.rank, nowMs, nowMs + route.deadlineMs);
  }

  enter(nowMs: number): void {
    const { gate, rate } = this.#route;
    const refusal = gate.bulkhead.preflight(nowMs, this.#ticket);
    if (refusal !== undefined) {
      this.#log.turnAway(nowMs, this.#ticket, undefined, refusal.code);
      this.#count(refusal.code);
      return;
    }
    if (rate !== undefined && rate.take(nowMs, undefined, 1) !== undefined) return this.#count('rate_limited');
    const arrival = gate.enter(nowMs, this.#ticket);
    if (arrival === 'leased') this.onLease(nowMs);
    else if (arrival === 'queued') {
      const latestMs = gate.bulkhead.givesUpAtMs(nowMs, this.#ticket);
      this.#timer.set(this, Math.max(nowMs, latestMs), nowMs);
    } else this.onShed(nowMs, arrival);
  }

  onLease(nowMs: number): void {
    const { gate, times } = this.#route;
    this.#timer.clear(this);
    this.#count('admitted');
    const leftMs = this.#ticket.deadlineAtMs - nowMs;
    const heldMs = Math.min(leftMs, this.#serviceMs);
    this.#clock.input(heldMs, () => {
      this.#stall();
      const endMs = this.#clock.nowMs();
      // An end that nobody could see for a time does not make the work longer.
      if (leftMs < this.#serviceMs) times.recordCensored(endMs, heldMs);
      else times.record(endMs, heldMs);
      gate.leave(endMs, this.#ticket);
    });
  }

  onShed(nowMs: number, { code }: { readonly code: string }): void {
    this.#timer.clear(this);
    this.#route.rate?.refund(nowMs, undefined, 1);
    this.#count(code);
  }

  onDue(nowMs: number): void {
    if (!this.#route.gate.bulkhead.withdraw(nowMs, this.#ticket)) return;
    this.onShed(nowMs, { code: nowMs >= this.#ticket.deadlineAtMs ? 'deadline_expired' : 'deadline_unreachable' });
  }

  #count(fate: string): void {
    this.#fates.set(fate, (this.#fates.get(fate) ?? 0) + 1);
  }
}
