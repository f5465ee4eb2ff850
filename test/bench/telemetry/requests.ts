import { createNoopMeter, ProxyTracerProvider } from '@opentelemetry/api';
import { createGateway, type Gateway, instrument } from 'sluice';
import type { RequestWork } from '../../../src/gateway/request-work.js';
import type { RouteEntry } from '../../../src/gateway/route-entry.js';
import type { WorkHost } from '../../../src/gateway/work-contract.js';
import { watchOf } from '../../../src/telemetry/request-watch.js';
import type { TelemetryCost } from './messages.js';

const REQUESTS = 20_000;
const WIDE = { ratePerSecond: 1_000_000, burst: 10_000_000 };
const HOUR_MS = 3_600_000;
const TRANSACTION = ['BEGIN', 'UPDATE products SET stock = stock - 1', 'INSERT INTO orders VALUES ($1)', 'COMMIT'];

/** What a request does with its database, as telemetry hears of it. */
type Told = readonly string[];

/** A gateway without a database: what its requests would do there is told to their watches. */
export function openGateway(): Promise<Gateway<'open'>> {
  return createGateway(
    { routes: { open: { ...WIDE, priority: 'critical', deadlineMs: HOUR_MS, concurrency: 16 } } },
    { env: {} },
  );
}

/** The processor time of requests with and without reports to OpenTelemetry, in turns. */
export function costs(gateway: Gateway<'open'>, samples: number): TelemetryCost {
  const entry = gateway.entry('open');
  const oneQuery = sampler(entry, ['SELECT 1']);
  const transaction = sampler(entry, TRANSACTION);
  const off: number[] = [];
  const query: number[] = [];
  const whole: number[] = [];
  // The first of each is spent on compiling.
  for (let round = -2; round < samples; round += 1) {
    const without = [oneQuery(), transaction()] as const;
    const end = report(gateway);
    const reported = [oneQuery(), transaction()] as const;
    end();
    if (round < 0) continue;
    off.push(without[0]);
    query.push(reported[0] - without[0]);
    whole.push(reported[1] - without[1]);
  }
  return { off, query, transaction: whole, look: Array.from({ length: samples }, () => look(entry)) };
}

/** A meter and a tracer that keep nothing: what an exporter does with the values is its own cost. */
function report(gateway: Gateway): () => void {
  return instrument(gateway, { meter: createNoopMeter(), tracer: new ProxyTracerProvider().getTracer('none') });
}

/** Microseconds of processor time per request. */
function sampler(entry: RouteEntry, told: Told): () => number {
  return () => {
    const before = process.cpuUsage();
    for (let done = 0; done < REQUESTS; done += 1) request(entry, told);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / REQUESTS;
  };
}

/** What is left when nobody listens: whether anybody does is asked once a request. In microseconds. */
function look({ runtime }: RouteEntry): number {
  const before = process.cpuUsage();
  let watched = 0;
  for (let done = 0; done < 50 * REQUESTS; done += 1) if (watchOf(runtime, runtime) !== undefined) watched += 1;
  const { user, system } = process.cpuUsage(before);
  if (watched > 0) throw new Error('somebody listens to the channels');
  return (user + system) / (50 * REQUESTS);
}

class Caller implements WorkHost {
  proceed(): void {}
  refuse(): void {}
  expire(): void {}
  streaming(): boolean {
    return false;
  }
}

function request(entry: RouteEntry, told: Told): void {
  const nowMs = performance.now();
  const work: RequestWork = entry.classify(nowMs, new Caller(), {});
  if (entry.preflight(nowMs, work) !== undefined) throw new Error('a free seat was refused');
  if (work.enter(nowMs) !== 'leased') throw new Error('a free seat was not given');
  const { watch } = work;
  if (watch !== undefined) {
    watch.acquired(0);
    for (const text of told) {
      watch.query(nowMs);
      watch.queried(text, nowMs, nowMs + 1.25);
    }
    watch.released(6);
  }
  work.complete(performance.now(), 'succeeded');
}
