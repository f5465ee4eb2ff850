import { Durations } from '../../load/latency.js';
import type { Latency, LoadResult } from '../../load/plan.js';
import type { Table } from '../../load/table.js';
import type { Check, SectionResult } from '../section.js';
import { streamOf } from '../servers.js';
import { type Spread, showSpread, spreadOf } from '../support/statistics.js';

/** What refused callers of the storm do. */
export const VARIANTS = ['none', 'as told', 'at once'] as const;
export type Variant = (typeof VARIANTS)[number];

/** The day has so long to be as usual again, in milliseconds from the last request of the storm. */
export const RECOVERY_MS = 2_000;

/** Figures of one storm. */
export interface StormFigures {
  /** 2xx of the usual customers before the storm. */
  readonly before: Latency;
  /** Likewise from {@link RECOVERY_MS} after its last request, repeats included, to the end of the run. */
  readonly after: Latency;
  /** Usual customers refused or left without answer in that time. */
  readonly lostAfter: number;
  /** Everything answered in time, per second, from the first to the last instant at which new callers came. */
  readonly goodPerSecond: number;
  /** Requests of the storm, repeats included. */
  readonly requests: number;
  readonly served: number;
  /** From the last new caller of the storm to its last request, in milliseconds. */
  readonly tailMs: number;
  readonly retryAfters: Readonly<Record<string, number>>;
  readonly unanswered: number;
}

/** One storm. */
export interface StormRun extends StormFigures {
  readonly variant: Variant;
  readonly repeat: number;
}

/** Processor time under one load beyond capacity, in milliseconds. */
export interface CostRun {
  readonly ratePerSecond: number;
  readonly repeat: number;
  readonly served: number;
  readonly refused: number;
  readonly shopMs: number;
  readonly databaseMs: number;
}

/** Everything the section measured. */
export interface RetryData {
  readonly storms: readonly StormRun[];
  readonly costs: readonly CostRun[];
}

/** Reads a run: `usual` customers all the time, a `storm` between two instants and as long as its callers come back. */
export function stormFigures(
  result: LoadResult,
  { warmMs, fromMs, toMs }: { readonly warmMs: number; readonly fromMs: number; readonly toMs: number },
): StormFigures {
  const usual = callsOf(result, 'usual');
  const storm = callsOf(result, 'storm');
  const lastMs = storm.reduce((last, call) => Math.max(last, call.intendedMs), toMs);
  const later = usual.filter((call) => call.intendedMs >= lastMs + RECOVERY_MS);
  const inTime = [...usual, ...storm].filter((call) => {
    const endedMs = call.intendedMs + call.latencyMs;
    return call.ok && call.latencyMs <= DEADLINE_MS && endedMs >= fromMs && endedMs < toMs;
  });
  return {
    before: latencyOf(usual.filter((call) => call.intendedMs >= warmMs && call.intendedMs < fromMs)),
    after: latencyOf(later),
    lostAfter: later.filter((call) => !call.ok).length,
    goodPerSecond: (inTime.length * 1_000) / (toMs - fromMs),
    requests: storm.length,
    served: storm.filter((call) => call.ok).length,
    tailMs: lastMs - toMs,
    retryAfters: streamOf(result, 'storm').retryAfters,
    unanswered: result.streams.reduce((sum, stream) => sum + stream.unanswered, 0),
  };
}

const DEADLINE_MS = 500;

interface CallFate {
  readonly intendedMs: number;
  readonly latencyMs: number;
  readonly ok: boolean;
}

function callsOf(result: LoadResult, name: string): CallFate[] {
  const { events } = streamOf(result, name);
  if (events === undefined) throw new Error(`stream "${name}" kept no events`);
  return events.intendedMs.map((intendedMs, index) => {
    const status = events.status[index] ?? 0;
    return { intendedMs, latencyMs: events.latencyMs[index] ?? 0, ok: status >= 200 && status < 300 };
  });
}

function latencyOf(calls: readonly CallFate[]): Latency {
  const durations = new Durations();
  for (const call of calls) if (call.ok) durations.add(call.latencyMs);
  return durations.summary();
}

/** Tables and bars. */
export function summariseRetries(data: RetryData): Pick<SectionResult, 'tables' | 'checks'> {
  return { tables: [stormTable(data), costTable(data)], checks: checks(data) };
}

function stormTable(data: RetryData): Table {
  const rows = VARIANTS.map((variant) => {
    const of = (pick: (run: StormRun) => number): Spread => spreadOf(runsOf(data, variant).map(pick));
    return [
      variant === 'none' ? 'nobody comes back' : `three times, ${variant}`,
      of((run) => run.requests).median.toFixed(0),
      of((run) => run.served).median.toFixed(0),
      showSpread(of((run) => run.goodPerSecond)),
      of((run) => run.tailMs / 1_000).median.toFixed(1),
      showSpread(
        of((run) => run.before.p99Ms),
        1,
      ),
      showSpread(
        of((run) => run.after.p99Ms),
        1,
      ),
    ];
  });
  return {
    title: `A storm of checkouts, and how the usual ones are from ${RECOVERY_MS / 1_000} s after its last request on`,
    columns: [
      'refused callers',
      'requests of the storm',
      'of them served',
      'in time/s during it',
      'goes on for s',
      'p99 before ms',
      'p99 after ms',
    ],
    rows,
  };
}

function costTable(data: RetryData): Table {
  const costs = costsOf(data);
  const row = (title: string, pick: (cost: Costs) => number): string[] => [
    title,
    showSpread(spreadOf(costs.map(pick))),
  ];
  return {
    title: 'Processor time of a checkout, microseconds',
    columns: ['', 'µs'],
    rows: [
      row('served: the shop', ({ servedMicros }) => servedMicros),
      row('served: shop and database', ({ servedEverywhereMicros }) => servedEverywhereMicros),
      row('refused', ({ refusedMicros }) => refusedMicros),
    ],
  };
}

/** What one request costs. */
interface Costs {
  readonly servedMicros: number;
  readonly servedEverywhereMicros: number;
  readonly refusedMicros: number;
}

/** Per repeat: two loads serve the same and refuse differently, which is two equations for two costs. */
function costsOf(data: RetryData): Costs[] {
  const repeats = [...new Set(data.costs.map(({ repeat }) => repeat))];
  return repeats.map((repeat) => {
    const runs = data.costs.filter((run) => run.repeat === repeat).sort((a, b) => a.ratePerSecond - b.ratePerSecond);
    const [low, high] = [runs[0], runs.at(-1)];
    if (low === undefined || high === undefined) throw new Error(`repeat ${repeat} has no two loads`);
    const determinant = low.served * high.refused - high.served * low.refused;
    const servedMs = (low.shopMs * high.refused - high.shopMs * low.refused) / determinant;
    const refusedMs = (low.served * high.shopMs - high.served * low.shopMs) / determinant;
    const databaseMs = (low.databaseMs + high.databaseMs) / (low.served + high.served);
    return {
      servedMicros: servedMs * 1_000,
      servedEverywhereMicros: (servedMs + databaseMs) * 1_000,
      refusedMicros: refusedMs * 1_000,
    };
  });
}

function checks(data: RetryData): Check[] {
  const during = (variant: Variant): number => spreadOf(runsOf(data, variant).map((run) => run.goodPerSecond)).median;
  const perVariant = VARIANTS.slice(1).flatMap((variant): Check[] => {
    const runs = runsOf(data, variant);
    const before = spreadOf(runs.map((run) => run.before.p99Ms)).median;
    return [
      {
        text: `usual p99 from 2 s after a storm of retries ${variant} (1.25 times before, or + 5 ms)`,
        value: spreadOf(runs.map((run) => run.after.p99Ms)).median,
        bound: Math.max(1.25 * before, before + 5),
        kind: 'at most',
        unit: 'ms',
      },
      {
        text: `usual checkouts lost from then on, retries ${variant}, in all repeats`,
        value: runs.reduce((sum, run) => sum + run.lostAfter, 0),
        bound: 0,
        kind: 'at most',
        unit: '',
      },
      {
        text: `goodput during a storm of retries ${variant}, over one of callers that do not come back`,
        value: during(variant) / during('none'),
        bound: 0.95,
        kind: 'at least',
        unit: '',
      },
    ];
  });
  const { median } = spreadOf(costsOf(data).map(({ servedMicros, refusedMicros }) => servedMicros / refusedMicros));
  const cheap: Check = {
    text: 'processor time of a served checkout over that of a refused one, in the shop alone',
    value: median,
    bound: 10,
    kind: 'at least',
    unit: '',
  };
  // Only Linux tells what another process has used.
  return Number.isNaN(median) ? perVariant : [...perVariant, cheap];
}

function runsOf(data: RetryData, variant: Variant): StormRun[] {
  return data.storms.filter((run) => run.variant === variant);
}
