import type { Shares } from '../core/class-shares.js';
import { PRIORITY_CLASSES, type PriorityClass, type PriorityRank } from '../core/priority.js';
import { ERROR_CODES } from '../errors.js';
import { GroupTally } from './group-tally.js';
import { fairnessMargin } from './oracle.js';
import type { GroupReport, PoolReport, Quantiles, Report, TenantReport, WindowReport } from './report.js';
import type { Scenario } from './scenario.js';
import type { GatewaySettings, PoolSettings, RouteSettings } from './settings.js';
import type { ClassShare } from './simulated-pool.js';
import type { Tally, WindowTally } from './tally.js';

/** What a pool did over all runs. */
export interface PoolRun {
  readonly name: string;
  readonly longestQueue: number;
  readonly seatsAtEnd: number;
  readonly shares: readonly (ClassShare | undefined)[];
}

/** Puts the report together. */
export function makeReport(
  scenario: Scenario,
  gateway: GatewaySettings,
  tally: Tally,
  pools: readonly PoolRun[],
  calls: number,
): Report {
  return {
    scenario: scenario.name,
    seeds: scenario.seeds,
    calls,
    windows: tally.windows.map((window) => windowReport(window, gateway, scenario.seeds.length)),
    pools: pools.map((pool) => poolReport(pool, gateway)),
    tenants: [...tally.tenants].map(([route, tenants]) => tenantReport(route, tenants)),
    ...(tally.reclaimMs === undefined ? {} : { reclaimMs: tally.reclaimMs }),
  };
}

function windowReport(
  { name, fromMs, untilMs, routes }: WindowTally,
  gateway: GatewaySettings,
  runs: number,
): WindowReport {
  const seconds = ((untilMs - fromMs) * runs) / 1000;
  const total = merged([...routes.values()]);
  const report = (title: string, group: GroupTally): GroupReport => groupReport(title, group, seconds, total.heldMs);
  const byRank = rankGroups(gateway.routes, routes);
  return {
    name,
    fromMs,
    untilMs,
    total: report('all', total),
    classes: byRank.flatMap((group, rank) =>
      group.offered === 0 ? [] : [report(classOf(rank as PriorityRank), group)],
    ),
    routes: gateway.routes.flatMap((route) => {
      const group = routes.get(route.name);
      return group === undefined ? [] : [{ ...report(route.name, group), class: classOf(route.rank) }];
    }),
    fairnessMargin: Math.max(0, ...gateway.pools.map((pool) => poolFairness(pool, gateway.routes, routes))),
  };
}

function rankGroups(routes: readonly RouteSettings[], groups: WindowTally['routes']): GroupTally[] {
  return PRIORITY_CLASSES.map((_, rank) =>
    merged(routes.filter((route) => route.rank === rank).flatMap((route) => groups.get(route.name) ?? [])),
  );
}

/** Classes divide the seats of their own pool only, by its own minima. */
function poolFairness(
  { name, shares }: PoolSettings,
  routes: readonly RouteSettings[],
  groups: WindowTally['routes'],
): number {
  const own = routes.filter(({ pool }) => pool === name);
  return lowerFairness(rankGroups(own, groups), shares);
}

/** The top class is strict up to its cap, so only the classes below it divide what it leaves. */
function lowerFairness(byRank: readonly GroupTally[], shares: Shares): number {
  const lower = byRank
    .map(({ heldMs, demandMs }, rank) => ({ heldMs, demand: demandMs, weight: shares.minima[rank as PriorityRank] }))
    .filter(({ demand, weight }, rank) => rank > 0 && demand > 0 && weight > 0);
  return rounded(
    fairnessMargin(
      lower.map(({ heldMs }) => heldMs),
      lower,
    ),
  );
}

function groupReport(name: string, group: GroupTally, seconds: number, allHeldMs: number): GroupReport {
  const { offered, firsts, feasible, endings, heldMs, usefulMs, latency, shed, shedFromQueue, shedBy } = group;
  const percent = (part: number, whole: number): number => (whole === 0 ? 0 : rounded((100 * part) / whole));
  const counted = (delays: typeof shed): Quantiles & { count: number } => ({
    count: delays.count,
    ...quantiles(delays),
  });
  return {
    name,
    offered,
    good: endings.good,
    goodPerSecond: rounded(endings.good / seconds),
    successPercent: percent(endings.good, offered),
    ceilingPercent: percent(feasible, offered),
    servedPercent: percent(endings.good, firsts),
    usefulPercent: percent(usefulMs, heldMs),
    seatShare: allHeldMs === 0 ? 0 : rounded(heldMs / allHeldMs),
    latencyMs: quantiles(latency),
    late: endings.late,
    left: endings.left,
    lost: endings.lost,
    shed: counted(shed),
    shedFromQueue: counted(shedFromQueue),
    shedBy: Object.fromEntries(
      ERROR_CODES.flatMap((code) => {
        const delays = shedBy.get(code);
        return delays === undefined ? [] : [[code, counted(delays)]];
      }),
    ),
  };
}

function poolReport({ name, longestQueue, seatsAtEnd, shares }: PoolRun, gateway: GatewaySettings): PoolReport {
  const minima = gateway.pools.find((pool) => pool.name === name)?.shares.minima;
  return {
    name,
    longestQueue,
    seatsAtEnd: rounded(seatsAtEnd),
    shares: shares.flatMap((share, rank) => {
      const className = PRIORITY_CLASSES[rank];
      if (share === undefined || className === undefined) return [];
      const minimum = minima?.[rank as PriorityRank] ?? 0;
      return [
        { class: className, minimum, seconds: share.seconds, least: rounded(share.least), mean: rounded(share.mean) },
      ];
    }),
  };
}

type Tenants = Tally['tenants'] extends Map<string, infer Value> ? Value : never;

function tenantReport(route: string, tenants: Tenants): TenantReport {
  const all = [...tenants].map(([name, tenant]) => ({ name, ...tenant }));
  const greatest = all.reduce((most, each) => (each.demandMs > most.demandMs ? each : most));
  const others = all.filter((each) => each !== greatest);
  const sum = (of: readonly (typeof greatest)[], what: 'good' | 'offered'): number =>
    of.reduce((total, each) => total + each[what], 0);
  const latency = new GroupTally().latency;
  for (const each of others) latency.merge(each.latency);
  const success = (of: readonly (typeof greatest)[]): number =>
    of.length === 0 ? 0 : rounded((100 * sum(of, 'good')) / Math.max(1, sum(of, 'offered')));
  return {
    route,
    tenants: all.length,
    fairnessMargin: rounded(
      fairnessMargin(
        all.map(({ heldMs }) => heldMs),
        all.map(({ demandMs }) => ({ demand: demandMs })),
      ),
    ),
    greatest: {
      name: greatest.name,
      successPercent: success([greatest]),
      latencyP99Ms: quantiles(greatest.latency).p99Ms,
    },
    others: { successPercent: success(others), latencyP99Ms: quantiles(latency).p99Ms },
  };
}

function merged(groups: readonly GroupTally[]): GroupTally {
  const sum = new GroupTally();
  for (const group of groups) sum.merge(group);
  return sum;
}

function quantiles(delays: GroupTally['latency']): Quantiles {
  const at = (part: number): number | null => {
    const ms = delays.quantile(part);
    return ms === undefined ? null : Number(ms.toPrecision(4));
  };
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}

/** Enough digits to see a difference, and no noise of floating point. */
function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

function classOf(rank: PriorityRank): PriorityClass {
  return PRIORITY_CLASSES[rank] ?? 'low';
}
