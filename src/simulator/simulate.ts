import type { Discipline } from '../core/discipline.js';
import type { DecisionProbe } from './call-path.js';
import { makeReport, type PoolRun } from './make-report.js';
import type { RecordedCalls } from './recorded-source.js';
import type { Report } from './report.js';
import type { Scenario } from './scenario.js';
import { bulkheads, type GatewaySettings, type PolicyFactory } from './settings.js';
import type { SimulatedPool } from './simulated-pool.js';
import { Simulation } from './simulation.js';
import { type Series, Tally } from './tally.js';

/** What to simulate, and how. */
export interface SimulateOptions {
  readonly scenario: Scenario;
  /** Requests of a recording, which come beside those of the scenario's streams; what it does not know is drawn by seed. */
  readonly recorded?: ((seed: number) => RecordedCalls) | undefined;
  readonly gateway: GatewaySettings;
  /** Mechanisms of the product to switch off. Default: none. */
  readonly discipline?: Partial<Discipline> | undefined;
  /** Somebody else to decide, for a comparison. Default: the product, with `discipline`. */
  readonly createPolicy?: PolicyFactory | undefined;
  /** Called before and after one in 64 decisions. */
  readonly probe?: DecisionProbe | undefined;
}

/** What came of it. */
export interface SimulationResult {
  readonly report: Report;
  /** Offered and good requests of each route over time, over all runs. */
  readonly series: ReadonlyMap<string, Series>;
  /** The length of one step of `series`, in milliseconds. */
  readonly sliceMs: number;
}

/**
 * Simulates a load on a gateway: one run for each seed of the scenario, added up. Deterministic.
 *
 * @throws RangeError when the scenario names a pool or a route that the gateway does not have.
 */
export function simulate({
  scenario,
  recorded,
  gateway,
  discipline,
  createPolicy,
  probe,
}: SimulateOptions): SimulationResult {
  const tally = new Tally(scenario);
  const runs: SimulatedPool[][] = [];
  let calls = 0;
  for (const seed of scenario.seeds) {
    const simulation = new Simulation({
      scenario,
      recorded: recorded?.(seed),
      gateway,
      createPolicy: createPolicy ?? bulkheads(discipline),
      seed,
      tally,
      probe,
    });
    calls += simulation.run();
    runs.push([...simulation.pools.values()]);
  }
  const pools = gateway.pools.map((_, place) => poolRun(runs.flatMap((run) => run[place] ?? [])));
  return {
    report: makeReport(scenario, gateway, tally, pools, calls),
    series: tally.series,
    sliceMs: tally.sliceMs,
  };
}

/** One pool over all runs. */
function poolRun(pools: readonly SimulatedPool[]): PoolRun {
  const reports = pools.map((pool) => pool.shareReport());
  const shares = (reports[0] ?? []).map((_, rank) => {
    const some = reports.flatMap((report) => report[rank] ?? []);
    const seconds = some.reduce((sum, share) => sum + share.seconds, 0);
    if (seconds === 0) return undefined;
    return {
      seconds,
      least: Math.min(...some.map(({ least }) => least)),
      mean: some.reduce((sum, share) => sum + share.mean * share.seconds, 0) / seconds,
    };
  });
  return {
    name: pools[0]?.name ?? '',
    longestQueue: Math.max(0, ...pools.map(({ longestQueue }) => longestQueue)),
    seatsAtEnd: pools.reduce((sum, { policy, settings }) => sum + (policy.seats ?? settings.seats), 0) / pools.length,
    shares,
  };
}
