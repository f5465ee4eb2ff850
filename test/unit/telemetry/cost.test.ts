import { createNoopMeter } from '@opentelemetry/api';
import { createGateway, instrument } from 'sluice';
import { expect, onTestFinished, test } from 'vitest';
import { recordingTracer } from '../../integration/telemetry/recorder.js';

const REQUESTS = 20_000;
const host = { proceed: () => {}, refuse: () => {}, expire: () => {}, streaming: () => false };

test('a meter and a tracer cost at most 3 µs of CPU per request', async () => {
  const wide = { ratePerSecond: 1_000_000, burst: 10_000_000 };
  const gateway = await createGateway(
    { routes: { open: { ...wide, priority: 'critical', deadlineMs: 3_600_000, concurrency: 16 } } },
    { env: {} },
  );
  onTestFinished(() => gateway.drain({ timeoutMs: 0 }));
  const entry = gateway.entry('open');
  const request = (): void => {
    const work = entry.classify(performance.now(), host, {});
    if (entry.preflight(performance.now(), work) !== undefined) throw new Error('was refused');
    if (work.enter(performance.now()) !== 'leased') throw new Error('got no seat');
    work.complete(performance.now(), 'succeeded');
  };
  /** In microseconds; the least of several, because what else happens can only add to it. */
  const cost = (): number => {
    const rounds = Array.from({ length: 10 }, () => {
      const before = process.cpuUsage();
      for (let done = 0; done < REQUESTS; done += 1) request();
      const { user, system } = process.cpuUsage(before);
      return (user + system) / REQUESTS;
    });
    return Math.min(...rounds);
  };
  cost();
  const without = cost();
  // One that keeps nothing: what an exporter does with the values is its own cost.
  const end = instrument(gateway, { meter: createNoopMeter(), tracer: recordingTracer().tracer });
  const withBoth = cost();
  end();
  expect(withBoth - without).toBeLessThan(3);
});
