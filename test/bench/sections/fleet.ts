import { RedisServer } from '../../support/redis-server.js';
import { type FleetRun, runFleet } from '../fleet/run-fleet.js';
import type { BenchContext, Section, SectionResult } from '../section.js';
import { showSpread, spreadOf } from '../support/statistics.js';

const PROCESSES = 8;
const RATE = 1_000;
const BURST = 100;
/** Twice the rate, and ten times: what Redis is asked must not depend on it. */
const DEMANDS = [2, 10] as const;

/** Reports alone under the rate limit of all routes, at half of it: nobody else needs the tokens. */
const REPORTS = { rank: 3, factor: 0.5, burst: 2 * RATE } as const;

type Runs = ReadonlyMap<number, readonly FleetRun[]>;

/** One rate limit over eight processes and one Redis. */
export const fleet: Section = {
  name: 'fleet',
  about: `one rate limit of ${RATE}/s over ${PROCESSES} processes and one Redis`,
  async run(context) {
    const runMs = context.quick ? 2_000 : 10_000;
    const redis = await RedisServer.start();
    try {
      const runs = await measure(context, redis.url, runMs);
      return summarise(runs, await measureReports(context, redis.url, runMs), runMs);
    } finally {
      await redis.close();
    }
  },
};

async function measure(context: BenchContext, url: string, runMs: number): Promise<Runs> {
  const runs = new Map<number, FleetRun[]>(DEMANDS.map((factor) => [factor, []]));
  for (let repeat = 0; repeat < context.repeats; repeat += 1) {
    for (const factor of DEMANDS) {
      context.signal.throwIfAborted();
      const demandPerSecond = (factor * RATE) / PROCESSES;
      const run = await runFleet(PROCESSES, { url, ratePerSecond: RATE, burst: BURST, demandPerSecond, runMs });
      runs.get(factor)?.push(run);
      context.note(`fleet ${repeat + 1}/${context.repeats}: at ${factor}x ${run.admitted} admitted`);
      // Full again, and forgotten by nobody.
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  }
  return runs;
}

/** How much of what was asked for was admitted, in each run. */
async function measureReports(context: BenchContext, url: string, runMs: number): Promise<number[]> {
  const { rank, factor, burst } = REPORTS;
  const demandPerSecond = (factor * RATE) / PROCESSES;
  const shares: number[] = [];
  for (let repeat = 0; repeat < context.repeats; repeat += 1) {
    context.signal.throwIfAborted();
    const run = await runFleet(PROCESSES, { url, ratePerSecond: RATE, burst, demandPerSecond, rank, runMs });
    shares.push((run.admitted * 1_000) / (factor * RATE * runMs));
    context.note(`fleet ${repeat + 1}/${context.repeats}: reports alone, ${run.admitted} admitted`);
  }
  return shares;
}

function summarise(runs: Runs, reports: readonly number[], runMs: number): SectionResult {
  const refilled = (RATE * runMs) / 1_000;
  const of = (factor: number, pick: (run: FleetRun) => number): ReturnType<typeof spreadOf> =>
    spreadOf((runs.get(factor) ?? []).map(pick));
  const rows = DEMANDS.map((factor) => [
    `${factor}x the rate`,
    showSpread(of(factor, (run) => run.admitted)),
    showSpread(of(factor, (run) => run.overshoot)),
    showSpread(of(factor, (run) => (run.reports * 1_000) / runMs)),
    showSpread(of(factor, (run) => spreadOf(run.decisionNs).median)),
  ]);
  const admitted = DEMANDS.map((factor) => of(factor, (run) => run.admitted).median);
  const decisions = DEMANDS.map((factor) => of(factor, (run) => spreadOf(run.decisionNs).median).median);
  const check = (
    text: string,
    value: number,
    kind: 'at most' | 'at least',
    bound: number,
    unit = '',
  ): SectionResult['checks'][number] => ({
    text,
    value,
    bound,
    kind,
    unit,
  });
  return {
    conditions: { processes: PROCESSES, ratePerSecond: RATE, burst: BURST, runMs, repeats: runs.get(2)?.length ?? 0 },
    tables: [
      {
        title: `What ${PROCESSES} processes admitted in ${runMs / 1_000} s`,
        columns: ['asked for', 'admitted', 'most beyond the rate in any window', 'Redis operations/s', 'ns a decision'],
        rows,
      },
    ],
    checks: [
      check('admitted, of rate x time + burst', Math.max(...admitted) / (refilled + BURST), 'at most', 1.01),
      check('admitted, of rate x time', Math.min(...admitted) / refilled, 'at least', 0.97),
      check(
        'reports alone at half the rate of all routes, of what was asked for',
        spreadOf(reports).median,
        'at least',
        0.97,
      ),
      check('a decision', Math.max(...decisions) / 1_000, 'at most', 2, 'µs'),
    ],
    data: Object.fromEntries([...runs].map(([factor, all]) => [`${factor}x`, all])),
  };
}
