import type { Attributes, Histogram } from '@opentelemetry/api';
import { createGateway, type Gateway, instrument } from 'sluice';
import { expect, onTestFinished, test } from 'vitest';
import type { RequestWork } from '../../../src/gateway/request-work.js';
import { anybodyListens } from '../../../src/telemetry/channels.js';
import { ROUTE_METRICS } from '../../../src/telemetry/route-metrics.js';
import { recordingTracer, silentMeter } from '../../integration/telemetry/recorder.js';
import { exampleSource } from './example-source.js';

// What telemetry costs is measured by the section `telemetry` of the bench; here is what keeps it small.

const host = { proceed: () => {}, refuse: () => {}, expire: () => {}, streaming: () => false };

async function open(): Promise<Gateway<'open'>> {
  const gateway = await createGateway({ routes: { open: { deadlineMs: 60_000, concurrency: 16 } } }, { env: {} });
  onTestFinished(() => gateway.drain({ timeoutMs: 0 }));
  return gateway;
}

function request(gateway: Gateway<'open'>, told: readonly string[] = []): RequestWork {
  const work = gateway.entry('open').classify(performance.now(), host, {});
  expect(work.enter(performance.now())).toBe('leased');
  for (const text of told) {
    work.watch?.query(0);
    work.watch?.queried(text, 0, 1);
  }
  work.complete(performance.now(), 'succeeded');
  return work;
}

/** A meter that keeps the attributes of each value. */
function meterOf(seen: Attributes[]) {
  const histogram: Histogram = { record: (_value, attributes = {}) => seen.push(attributes) };
  return Object.assign(silentMeter(), { createHistogram: () => histogram });
}

test('nothing is made for a request before somebody listens, and nothing after', async () => {
  const gateway = await open();
  expect(anybodyListens()).toBe(false);
  expect(request(gateway).watch).toBeUndefined();
  const seen: Attributes[] = [];
  const end = instrument(gateway, { meter: meterOf(seen), tracer: recordingTracer().tracer });
  expect(request(gateway).watch).toBeDefined();
  expect(seen.length).toBeGreaterThan(0);
  end();
  seen.length = 0;
  expect(anybodyListens()).toBe(false);
  expect(request(gateway).watch).toBeUndefined();
  expect(seen).toEqual([]);
});

test('attributes are made once for a route and a kind of statement', async () => {
  const gateway = await open();
  const seen: Attributes[] = [];
  const { tracer, spans } = recordingTracer();
  const end = instrument(gateway, { meter: meterOf(seen), tracer });
  onTestFinished(end);
  const values = (): Attributes[] => {
    seen.length = 0;
    request(gateway, ['SELECT 1', 'select 2', 'UPDATE a SET b = 1']);
    return [...seen];
  };
  const [first, second] = [values(), values()];
  expect(first.length).toBe(5);
  first.forEach((attributes, index) => {
    expect(second[index]).toBe(attributes);
  });
  expect(first.map((attributes) => attributes['db.operation.name'])).toEqual([
    undefined,
    'SELECT',
    'SELECT',
    'UPDATE',
    undefined,
  ]);
  expect(spans[3]?.attributes).toBe(spans[0]?.attributes);
});

test('the labels of a route are the same objects at each scrape', () => {
  const { source } = exampleSource();
  const labels = (): object[] => ROUTE_METRICS.flatMap((metric) => metric.read(source).map((sample) => sample.labels));
  const [first, second] = [labels(), labels()];
  const same = first.filter((each, index) => each === second[index]);
  // Series of their own seats are few, and made anew.
  expect(same.length).toBeGreaterThan(first.length - 5);
});
