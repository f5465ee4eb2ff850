import { setTimeout as delay } from 'node:timers/promises';
import { createGateway, type Gateway, isSluiceError, type RequestHandle } from '../../../src/index.js';
import type { PoolSnapshot } from '../../../src/telemetry/snapshot.js';
import { seededRandom } from '../../load/random.js';

/** Checkouts at a fixed rate beside reports that want all of the server's cores. */
export interface ReportPressure {
  readonly url: string;
  /** Whether the pool of the reports yields to that of the checkouts. */
  readonly yields: boolean;
  readonly checkoutsPerSecond: number;
  /** Checkouts run alone for so long first, so that what is quiet is known. */
  readonly aloneMs: number;
  /** The reports begin, and so long later the measurement. */
  readonly settleMs: number;
  readonly measureMs: number;
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** What came of it. Latencies in ms, from the instant at which a checkout was due. */
export interface PressureFigures {
  readonly aloneP99Ms: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly reportsPerSecond: number;
  /** On average. */
  readonly reportSeats: number;
  /** What the p99 of the checkouts' database time was to stay below; `null` where nothing yields. */
  readonly targetMs: number | null;
}

const REPORT_SEATS = 8;
const REPORT_CALLERS = 12;
const PAUSE_MS = 20;
const LOOK_MS = 100;

/** Runs both within this process. */
export async function driveReportPressure(plan: ReportPressure): Promise<PressureFigures> {
  const { url } = plan;
  const reports = { url, max: REPORT_SEATS, minIdle: REPORT_SEATS, minSeats: 1 };
  const gateway = await createGateway(
    {
      applicationName: 'bench-yield',
      maxEventLoopLagMs: 0,
      readinessDelayMs: 0,
      pools: {
        checkout: { url, max: 16, minIdle: 16 },
        reports: plan.yields ? { ...reports, yieldsTo: 'checkout' } : reports,
      },
      routes: {
        checkout: { pool: 'checkout', priority: 'critical', deadlineMs: 5_000 },
        report: { pool: 'reports', priority: 'low', deadlineMs: 60_000 },
      },
    },
    { env: {} },
  );
  const stop = new AbortController();
  const tally = { latencies: [] as number[], reports: 0 };
  const running = [checkouts(gateway, plan, stop.signal, tally)];
  const pause = (ms: number): Promise<void> => delay(ms, undefined, { signal: plan.signal });
  try {
    await pause(plan.aloneMs);
    const alone = tally.latencies.splice(0);
    for (let caller = 0; caller < REPORT_CALLERS; caller += 1) running.push(reportsOf(gateway, stop.signal, tally));
    await pause(plan.settleMs);
    const before = tally.reports;
    tally.latencies.length = 0;
    const seats: number[] = [];
    for (let looks = plan.measureMs / LOOK_MS; looks > 0; looks -= 1) {
      await pause(LOOK_MS);
      seats.push(reportSeats(gateway)?.limit ?? 0);
    }
    const latencies = tally.latencies.splice(0);
    const tuning = reportSeats(gateway)?.tuning;
    return {
      aloneP99Ms: quantile(alone, 0.99),
      p50Ms: quantile(latencies, 0.5),
      p99Ms: quantile(latencies, 0.99),
      reportsPerSecond: ((tally.reports - before) * 1_000) / plan.measureMs,
      reportSeats: mean(seats),
      targetMs: tuning?.targetMs ?? null,
    };
  } finally {
    stop.abort();
    await Promise.all(running);
    await gateway.drain({ timeoutMs: 1_000 });
  }
}

type Tally = { readonly latencies: number[]; reports: number };

/** Poisson arrivals; one that fails counts as one that took its whole deadline. */
async function checkouts(gateway: Gateway, plan: ReportPressure, stop: AbortSignal, tally: Tally): Promise<void> {
  const random = seededRandom(plan.seed);
  const open = new Set<Promise<void>>();
  let dueAtMs = performance.now();
  while (!stop.aborted) {
    dueAtMs += (-Math.log(1 - random()) * 1_000) / plan.checkoutsPerSecond;
    const waitMs = dueAtMs - performance.now();
    if (waitMs > 0) await delay(waitMs);
    const sku = 1 + Math.floor(random() * 1_000);
    const due = dueAtMs;
    const one = gateway
      .run('checkout', (handle) => checkout(handle, sku))
      .then(
        () => tally.latencies.push(performance.now() - due),
        (error: unknown) => {
          if (!isSluiceError(error)) throw error;
          tally.latencies.push(5_000);
        },
      )
      .then(() => {
        open.delete(one);
      });
    open.add(one);
  }
  await Promise.all(open);
}

function checkout(handle: RequestHandle, sku: number): Promise<void> {
  return handle.transaction(async (client) => {
    await client.query('update stock set quantity = quantity - 1 where sku = $1', [sku]);
    await client.query('insert into sold (sku, day, price) values ($1, 365, 1)', [sku]);
  });
}

async function reportsOf(gateway: Gateway, stop: AbortSignal, tally: Tally): Promise<void> {
  while (!stop.aborted) {
    try {
      await gateway.run('report', (handle) =>
        handle.query('select day, count(*), sum(price), max(md5(price::text)) from sold group by day'),
      );
      tally.reports += 1;
    } catch (error) {
      if (!isSluiceError(error)) throw error;
      await delay(PAUSE_MS);
    }
  }
}

function reportSeats(gateway: Gateway): PoolSnapshot['seats'] | undefined {
  return gateway.snapshot().pools.find(({ name }) => name === 'reports')?.seats;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}
