import type { Ticket } from '../../core/ticket.js';
import { EventHeap, type TimedEvent } from '../../simulator/event-heap.js';
import type { DecodedLog } from '../../telemetry/decision-log/log-document.js';
import type { PolicySettings, RouteSettings } from '../../telemetry/decision-log/policy-settings.js';
import { type Attempt, attemptOf, endOf, learntOf, timerAtMs, type WorkEnd } from './attempt.js';
import { HoldTimes } from './hold-times.js';
import type { Fate, LoggedRequest } from './logged-request.js';
import type { ReplayedGate, ReplayedPolicy, ReplayedRoute } from './replayed-policy.js';
import type { LoggedTraffic, PoolEvent } from './requests.js';
import { takeUp } from './take-up.js';

/** What became of the requests of a log under other settings. */
export interface WhatIf {
  /** By request, in the order of the log. */
  readonly fates: ReadonlyMap<LoggedRequest, Fate>;
  /** Requests whose time on a seat was drawn from those of their route. */
  readonly drawn: number;
  /** Routes of which no request ended in the log, so that nothing is known of their times. */
  readonly assumed: readonly string[];
}

interface Event extends TimedEvent {
  readonly run: (nowMs: number) => void;
}

/**
 * Gives the requests of a log to a policy with other settings: the same arrivals, deadlines, callers and clients that
 * leave, the same outages, on a virtual clock.
 *
 * @param seed - For the times of requests of which the log does not know them.
 * @param costs - Seats that each request of a route asks for, where those are others than in the log.
 */
export function whatIf(
  log: DecodedLog,
  traffic: LoggedTraffic,
  settings: PolicySettings,
  seed: number,
  costs: ReadonlyMap<string, number> = new Map(),
): WhatIf {
  return new OtherRun(log, traffic, settings, seed, costs).run();
}

class OtherRun {
  readonly #events = new EventHeap<Event>();
  readonly #policy: ReplayedPolicy;
  readonly #settings: PolicySettings;
  readonly #traffic: LoggedTraffic;
  readonly #holds: HoldTimes;
  readonly #fates = new Map<LoggedRequest, Fate>();
  readonly #attempts = new Map<Ticket<undefined>, Attempt>();
  readonly #startMs: number;
  readonly #costs: ReadonlyMap<string, number>;
  /** The routes as they were set. */
  readonly #logged: ReadonlyMap<string, RouteSettings>;
  #order = 0;

  constructor(
    log: DecodedLog,
    traffic: LoggedTraffic,
    settings: PolicySettings,
    seed: number,
    costs: ReadonlyMap<string, number>,
  ) {
    this.#costs = costs;
    this.#settings = settings;
    this.#traffic = traffic;
    this.#logged = new Map(log.settings.routes.map((route) => [route.name, route]));
    this.#holds = new HoldTimes(traffic.requests, seed);
    this.#startMs = log.count === 0 ? 0 : log.records.read(0).atMs;
    this.#policy = takeUp(log, settings, this.#startMs);
  }

  run(): WhatIf {
    const routes = new Map(this.#policy.routes.map((route) => [route.name, route]));
    for (const gate of this.#policy.gates) {
      // It began before the log, and is given up within it.
      if (gate.bulkhead.outage.down) this.#at(this.#startMs, (nowMs) => this.#beginOutage(nowMs, gate));
    }
    for (const event of this.#traffic.events) this.#scheduleEvent(event);
    for (const request of this.#traffic.requests) {
      const route = routes.get(request.route);
      if (route !== undefined) this.#schedule(request, route);
    }
    for (let event = this.#events.take(); event !== undefined; event = this.#events.take()) event.run(event.atMs);
    return { fates: this.#fates, drawn: this.#holds.drawn, assumed: [...this.#holds.assumed] };
  }

  #at(atMs: number, run: (nowMs: number) => void): void {
    this.#events.add({ atMs, order: this.#order++, run });
  }

  #scheduleEvent({ kind, pool, atMs, share }: PoolEvent): void {
    const gate = this.#policy.gates.find(({ name }) => name === pool);
    const seats = this.#settings.gates.find(({ name }) => name === pool)?.options.seats;
    if (gate === undefined || seats === undefined) return;
    this.#at(atMs, (nowMs) => {
      if (kind === 'resize') gate.bulkhead.resize(nowMs, Math.max(1, Math.round(seats * share)));
      else if (kind === 'outage') this.#beginOutage(nowMs, gate);
      else gate.bulkhead.endOutage(nowMs);
      this.#handOut(nowMs, gate);
    });
  }

  #schedule(request: LoggedRequest, route: ReplayedRoute): void {
    if (request.fixed) {
      this.#fates.set(request, request.fate);
      return;
    }
    const { route: name } = request;
    const attempt = attemptOf(request, route, this.#logged.get(name), this.#costs.get(name));
    const { ticket } = attempt;
    this.#attempts.set(ticket, attempt);
    if (attempt.charged) this.#goOn(attempt, route.gate);
    else if (request.carriedOver) this.#at(this.#startMs, (nowMs) => this.#ask(nowMs, attempt));
    else this.#at(request.judgedAtMs ?? request.enteredAtMs, (nowMs) => this.#judge(nowMs, attempt));
  }

  /** A ticket that the state at the head has. */
  #goOn(attempt: Attempt, gate: ReplayedGate | undefined): void {
    const { ticket } = attempt;
    if (gate === undefined) return;
    if (ticket.state === 'leased') this.#start(ticket.leasedAtMs, attempt, gate);
    else if (ticket.state === 'queued') this.#queue(this.#startMs, attempt, gate);
  }

  /** On the headers alone; then the body comes, as it did. */
  #judge(nowMs: number, attempt: Attempt): void {
    const { request, route, ticket } = attempt;
    const refusal = request.judgedAtMs === undefined ? undefined : route.gate?.bulkhead.preflight(nowMs, ticket);
    if (refusal !== undefined) this.#fates.set(request, refusal.code);
    else if (request.enteredAtMs > nowMs) this.#at(request.enteredAtMs, (now) => this.#enter(now, attempt));
    else this.#enter(nowMs, attempt);
  }

  #enter(nowMs: number, attempt: Attempt): void {
    const { request, route, ticket } = attempt;
    if (nowMs >= ticket.deadlineAtMs) {
      this.#fates.set(request, 'deadline_expired');
      return;
    }
    if (route.rate !== undefined && route.rate.take(nowMs, request.caller, 1) !== undefined) {
      this.#fates.set(request, 'rate_limited');
      return;
    }
    attempt.charged = true;
    this.#ask(nowMs, attempt);
  }

  #ask(nowMs: number, attempt: Attempt): void {
    const { route, ticket, request } = attempt;
    const { gate } = route;
    if (gate === undefined) {
      this.#fates.set(request, 'admitted');
      return;
    }
    const arrival = gate.bulkhead.arrive(nowMs, ticket);
    if (arrival === 'leased') this.#start(nowMs, attempt, gate);
    else if (arrival === 'queued') this.#queue(nowMs, attempt, gate);
    else this.#shed(nowMs, attempt, arrival.code);
    // Those that had to leave are told after the input of the moment.
    const toldAtMs = Math.max(nowMs, request.askedAndHandedOnAtMs ?? nowMs);
    if (gate.bulkhead.leaving > 0) this.#at(toldAtMs, (now) => this.#handOut(now, gate));
  }

  #queue(nowMs: number, attempt: Attempt, gate: ReplayedGate): void {
    const { ticket, request } = attempt;
    this.#fates.set(request, 'open');
    const latestMs = Math.max(nowMs, gate.bulkhead.givesUpAtMs(nowMs, ticket));
    const { endedAtMs } = request;
    // After all else of that instant: a timer that was so late found the request still waiting before it.
    this.#at(timerAtMs(latestMs, request), (now) => this.#at(now, () => this.#giveUp(now, attempt, gate)));
    if (request.fate === 'gone' && endedAtMs !== undefined) {
      this.#at(Math.max(nowMs, endedAtMs), (now) => {
        if (gate.bulkhead.withdraw(now, ticket)) this.#shed(now, attempt, 'gone');
      });
    }
  }

  #giveUp(nowMs: number, attempt: Attempt, { bulkhead }: ReplayedGate): void {
    const code = nowMs >= attempt.ticket.deadlineAtMs ? 'deadline_expired' : 'deadline_unreachable';
    if (bulkhead.withdraw(nowMs, attempt.ticket)) this.#shed(nowMs, attempt, code);
  }

  #shed(nowMs: number, attempt: Attempt, fate: Fate): void {
    this.#fates.set(attempt.request, fate);
    if (attempt.charged) attempt.route.rate?.refund(nowMs, attempt.request.caller, 1);
  }

  #start(nowMs: number, attempt: Attempt, gate: ReplayedGate): void {
    this.#fates.set(attempt.request, 'admitted');
    const end = endOf(nowMs, attempt, this.#holds);
    if (end.atMs < Number.POSITIVE_INFINITY) this.#at(end.atMs, (now) => this.#end(now, attempt, gate, end));
  }

  #end(nowMs: number, attempt: Attempt, gate: ReplayedGate, end: WorkEnd): void {
    const { ticket, route, request } = attempt;
    const learntMs = learntOf(nowMs, attempt, gate.bulkhead, end);
    if (learntMs !== undefined && end.cutShort) route.times.recordCensored(nowMs, learntMs);
    else if (learntMs !== undefined) route.times.record(nowMs, learntMs);
    gate.bulkhead.release(nowMs, ticket);
    const handedOnAtMs = end.asLogged ? (request.endedAndHandedOnAtMs ?? nowMs) : nowMs;
    if (handedOnAtMs > nowMs) this.#at(handedOnAtMs, (now) => this.#handOut(now, gate));
    else this.#handOut(nowMs, gate);
  }

  #handOut(nowMs: number, gate: ReplayedGate): void {
    if (gate.bulkhead.queued === 0) return;
    for (let ticket = gate.bulkhead.next(nowMs); ticket !== undefined; ticket = gate.bulkhead.next(nowMs)) {
      const attempt = this.#attempts.get(ticket);
      if (attempt === undefined) continue;
      if (ticket.refusal === undefined) this.#start(nowMs, attempt, gate);
      else this.#shed(nowMs, attempt, ticket.refusal.code);
    }
  }

  #beginOutage(nowMs: number, gate: ReplayedGate): void {
    const { bulkhead } = gate;
    bulkhead.beginOutage(nowMs);
    const { givenUpAtMs } = bulkhead.outage;
    if (givenUpAtMs === undefined) return;
    this.#at(givenUpAtMs, (now) => {
      if (bulkhead.outage.givenUpAtMs !== givenUpAtMs) return;
      for (let ticket = bulkhead.anyQueued(); ticket !== undefined; ticket = bulkhead.anyQueued()) {
        bulkhead.withdraw(now, ticket);
        const attempt = this.#attempts.get(ticket);
        if (attempt !== undefined) this.#shed(now, attempt, 'database_unavailable');
      }
    });
  }
}
