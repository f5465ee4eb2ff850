import { createGateway, type Gateway, type RouteOptions } from 'sluice';
import { Metrics } from '../../../src/telemetry/metrics.js';
import type { ScrapeCost } from './messages.js';

const ROUTES = 50;
const REQUESTS = 40;

/** What a scrape of fifty routes takes, each with requests behind it. */
export async function scrapes(samples: number): Promise<ScrapeCost> {
  const gateway = await busyGateway();
  try {
    const source = (): ReturnType<Gateway['telemetry']> => gateway.telemetry();
    const own = new Metrics(source, { processMetrics: false });
    const both = new Metrics(source);
    const cost = { own: [] as number[], withProcess: [] as number[] };
    for (let round = -20; round < samples; round += 1) {
      const [ownMs, bothMs] = [await timed(own), await timed(both)];
      if (round < 0) continue;
      cost.own.push(ownMs);
      cost.withProcess.push(bothMs);
    }
    const lines = (await own.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return { ...cost, series: lines.length };
  } finally {
    await gateway.drain({ timeoutMs: 0 });
  }
}

/** Milliseconds of processor time: what else the machine does would count with the clock. */
async function timed(metrics: Metrics): Promise<number> {
  const before = process.cpuUsage();
  await metrics.text();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

async function busyGateway(): Promise<Gateway> {
  const route: RouteOptions = { concurrency: 4, deadlineMs: 5_000 };
  const names = Array.from({ length: ROUTES }, (_, index) => `route${index}`);
  const gateway: Gateway = await createGateway(
    { maxEventLoopLagMs: 0, readinessDelayMs: 0, routes: Object.fromEntries(names.map((name) => [name, route])) },
    { env: {} },
  );
  for (const name of names) {
    for (let request = 0; request < REQUESTS; request += 1) await gateway.run(name, async () => undefined);
    // As if they had come by HTTP: each status has series of its own.
    const { http } = gateway.entry(name).runtime.stats;
    for (const status of [200, 503]) http.observe('POST', status, 20);
  }
  return gateway;
}
