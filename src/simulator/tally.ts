import type { Refusal } from '../errors.js';
import type { Call, Ending } from './call.js';
import { GroupTally } from './group-tally.js';
import { Percentiles } from './percentiles.js';
import type { Scenario } from './scenario.js';

/** Points of a plot, at most. */
const MOST_SLICES = 300;
const SHORTEST_SLICE_MS = 100;
/** Waits after a step are judged in slices of this length. */
const RECLAIM_SLICE_MS = 50;
/** Tenants that are told apart in a report; who comes later shares one entry. */
const MOST_TENANTS = 10_000;
const OTHER_TENANTS = '(others)';

/** What is counted of a time: everything that arrived in it, by route. */
export interface WindowTally {
  readonly name: string;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly routes: Map<string, GroupTally>;
}

/** What the tenants of one route asked for and got, in seat-milliseconds. */
export interface TenantTally {
  demandMs: number;
  heldMs: number;
  offered: number;
  good: number;
  readonly latency: Percentiles;
}

/** Offered and good requests over time, of one route. */
export interface Series {
  readonly offered: number[];
  readonly good: number[];
}

/** Counts what becomes of the calls of a scenario, over the runs of all its seeds. */
export class Tally {
  readonly windows: readonly WindowTally[];
  readonly tenants: Map<string, Map<string, TenantTally>> = new Map();
  readonly series: Map<string, Series> = new Map();
  readonly sliceMs: number;
  /** Of the slowest run: see `Reclaim`. */
  reclaimMs: number | undefined;
  readonly #scenario: Scenario;
  #reclaimWaits: Percentiles[] = [];

  constructor(scenario: Scenario) {
    const { durationMs, warmUpMs, windows } = scenario;
    this.#scenario = scenario;
    this.sliceMs = Math.max(SHORTEST_SLICE_MS, Math.ceil(durationMs / MOST_SLICES / 100) * 100);
    const whole = { name: 'all', fromMs: warmUpMs, untilMs: durationMs };
    this.windows = [whole, ...windows].map((window) => ({ ...window, routes: new Map() }));
  }

  /** Whether a call is counted, and so must be waited for. */
  counts(call: Call): boolean {
    return this.windows.some((window) => within(window, call));
  }

  /** A call arrives. */
  offer(call: Call): void {
    const demandMs = this.#demandMs(call);
    for (const window of this.windows) {
      if (within(window, call)) groupOf(window.routes, call.route.name).offer(call, demandMs);
    }
    if (call.tenant !== undefined && this.#isCounted(call)) {
      const tenant = this.#tenantOf(call, call.tenant);
      tenant.offered++;
      tenant.demandMs += demandMs;
    }
    this.#note(call, 'offered');
  }

  /** A call ended, having held its seats for so long. */
  end(call: Call, ending: Ending, nowMs: number, heldMs: number, refusal?: Refusal): void {
    // What slowed the database down made the call ask for more.
    const moreMs = Math.max(0, heldMs * call.seats - this.#demandMs(call));
    for (const window of this.windows) {
      if (!within(window, call)) continue;
      const group = groupOf(window.routes, call.route.name);
      group.demandMs += moreMs;
      group.end(call, ending, nowMs, heldMs, refusal);
    }
    if (call.tenant !== undefined && this.#isCounted(call)) {
      const tenant = this.#tenantOf(call, call.tenant);
      tenant.heldMs += heldMs * call.seats;
      tenant.demandMs += moreMs;
      if (ending === 'good') {
        tenant.good++;
        tenant.latency.add(nowMs - call.arrivedAtMs);
      }
    }
    if (ending === 'good') this.#note(call, 'good');
  }

  /** The waiting of a call ended, with a seat or without. */
  waited(call: Call, nowMs: number): void {
    const { reclaim } = this.#scenario;
    if (reclaim === undefined || nowMs < reclaim.atMs || nowMs >= reclaim.untilMs) return;
    const slice = Math.floor((nowMs - reclaim.atMs) / RECLAIM_SLICE_MS);
    this.#reclaimWaits[slice] ??= new Percentiles();
    this.#reclaimWaits[slice].add(nowMs - call.arrivedAtMs);
  }

  /** The run of one seed is over. */
  endRun(): void {
    const { reclaim } = this.#scenario;
    if (reclaim === undefined) return;
    const last = this.#reclaimWaits.findLastIndex((waits) => (waits?.quantile(0.5) ?? 0) > reclaim.targetMs);
    this.reclaimMs = Math.max(this.reclaimMs ?? 0, (last + 1) * RECLAIM_SLICE_MS);
    this.#reclaimWaits = [];
  }

  /** Seat time that a call asks for: nobody is given any past a deadline at which work is stopped. */
  #demandMs({ serviceMs, seats, ticket }: Call): number {
    return (this.#scenario.cancelAtDeadline ? Math.min(serviceMs, ticket.allowedMs) : serviceMs) * seats;
  }

  #isCounted({ arrivedAtMs }: Call): boolean {
    return arrivedAtMs >= this.#scenario.warmUpMs && arrivedAtMs < this.#scenario.durationMs;
  }

  #tenantOf({ route }: Call, key: string): TenantTally {
    let tenants = this.tenants.get(route.name);
    if (tenants === undefined) {
      tenants = new Map();
      this.tenants.set(route.name, tenants);
    }
    const name = tenants.has(key) || tenants.size < MOST_TENANTS ? key : OTHER_TENANTS;
    let tenant = tenants.get(name);
    if (tenant === undefined) {
      tenant = { demandMs: 0, heldMs: 0, offered: 0, good: 0, latency: new Percentiles() };
      tenants.set(name, tenant);
    }
    return tenant;
  }

  #note({ arrivedAtMs, route }: Call, what: keyof Series): void {
    const slice = Math.floor(arrivedAtMs / this.sliceMs);
    if (arrivedAtMs >= this.#scenario.durationMs) return;
    let series = this.series.get(route.name);
    if (series === undefined) {
      series = { offered: [], good: [] };
      this.series.set(route.name, series);
    }
    series[what][slice] = (series[what][slice] ?? 0) + 1;
  }
}

function within({ fromMs, untilMs }: WindowTally, { arrivedAtMs }: Call): boolean {
  return arrivedAtMs >= fromMs && arrivedAtMs < untilMs;
}

function groupOf(groups: Map<string, GroupTally>, name: string): GroupTally {
  let group = groups.get(name);
  if (group === undefined) {
    group = new GroupTally();
    groups.set(name, group);
  }
  return group;
}
