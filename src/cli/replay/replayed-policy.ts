import { Bulkhead } from '../../core/bulkhead.js';
import type { PriorityRank } from '../../core/priority.js';
import { ServiceTimes } from '../../core/service-times.js';
import { Ticket } from '../../core/ticket.js';
import { RateLimit } from '../../rate-limit/rate-limit.js';
import type { Checkpoint } from '../../telemetry/decision-log/checkpoints.js';
import { type DecisionRecord, keyName } from '../../telemetry/decision-log/decision-record.js';
import { archiveGate, type LoggedRoute, routeAt } from '../../telemetry/decision-log/gate-state.js';
import type { PolicySettings, RouteSettings } from '../../telemetry/decision-log/policy-settings.js';
import { StateReader } from '../../telemetry/decision-log/state-archive.js';

/** A route of a policy that decides again. */
export interface ReplayedRoute extends LoggedRoute {
  readonly rank: PriorityRank;
  readonly rate: RateLimit | undefined;
  /** Absent: nobody waits. */
  readonly gate: ReplayedGate | undefined;
  /** The record from which its buckets know nothing yet. */
  rateFrom: number;
}

/** What is known of a route before a policy is built. */
export interface RouteHead {
  readonly times?: ServiceTimes | undefined;
  readonly rate?: RateLimit | undefined;
  readonly lastLeaseMs?: number | undefined;
}

/** Seats of a policy that decides again. */
export interface ReplayedGate {
  readonly name: string;
  readonly bulkhead: Bulkhead<undefined>;
  readonly routes: ReplayedRoute[];
  /** The tickets in flight and queued, by the number that the log gave them. */
  readonly slots: (Ticket<undefined> | undefined)[];
  /** The record from which it knows nothing yet. */
  from: number;
}

/** The parts that decide, built as their settings say: the very code that a gateway runs. */
export class ReplayedPolicy {
  readonly gates: readonly ReplayedGate[];
  readonly routes: readonly ReplayedRoute[];

  /** @param head - What is known of a route already, by its name. Default: nothing. */
  constructor(settings: PolicySettings, head: (route: string) => RouteHead = () => ({})) {
    this.gates = settings.gates.map(({ name, options }) => {
      return { name, bulkhead: new Bulkhead<undefined>(options), routes: [], slots: [], from: 0 };
    });
    this.routes = settings.routes.map((route) => this.#routeOf(route, head(route.name)));
    for (const route of this.routes) route.gate?.routes.push(route);
  }

  /** Takes up the states at the head of a log. */
  load(checkpoints: readonly Checkpoint[]): void {
    for (const { kind, place, at, state } of checkpoints) {
      const reader = new StateReader(state);
      if (kind === 'gate') {
        const gate = routeAt(this.gates, place);
        archiveGate(reader, gate, undefined);
        gate.from = at;
      } else {
        const route = routeAt(this.routes, place);
        route.rate?.archive(reader);
        route.rateFrom = at;
      }
      if (reader.left > 0) throw new RangeError(`the state of ${kind} ${place} is longer than its settings explain`);
    }
  }

  /** The route that a record is about. */
  route({ source }: DecisionRecord): ReplayedRoute {
    return routeAt(this.routes, source);
  }

  /** A ticket as a record describes it. */
  ticket(record: DecisionRecord): Ticket<undefined> {
    const { rank, first, second, keyHigh, keyLow, amount } = record;
    const tenant = keyName(keyHigh, keyLow);
    return new Ticket(undefined, this.route(record), rank as PriorityRank, first, second, tenant, amount);
  }

  #routeOf({ gate, times, rate, ...settings }: RouteSettings, head: RouteHead): ReplayedRoute {
    const { name, rank, deadlineMs, maxQueued } = settings;
    return {
      name,
      rank,
      deadlineMs,
      maxQueued,
      times: head.times ?? new ServiceTimes(times),
      rate: head.rate ?? (rate && new RateLimit(rate)),
      gate: gate === undefined ? undefined : routeAt(this.gates, gate),
      rateFrom: 0,
      queued: 0,
      lastLeaseMs: head.lastLeaseMs ?? Number.NEGATIVE_INFINITY,
    };
  }
}
