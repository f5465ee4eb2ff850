import { createGateway } from 'sluice';
import { expect, it } from 'vitest';
import { Metrics } from '../../../src/telemetry/metrics.js';
import { latch } from '../http/harness.js';

it('seats of a route without a pool are seen in snapshot and metrics', async () => {
  const gateway = await createGateway({ routes: { resize: { concurrency: 2 }, free: {} } }, { env: {} });
  const held = latch();
  const runs = Array.from({ length: 3 }, () => gateway.run('resize', () => held.promise));
  await gateway.run('free', async () => {
    const seats = Object.fromEntries(gateway.snapshot().routes.map((route) => [route.name, route.seats]));
    expect(seats).toEqual({ resize: { limit: 2, inFlight: 2, queued: 1 }, free: null });
    const text = await new Metrics(() => gateway.telemetry()).text();
    expect(text.split('\n').filter((line) => line.startsWith('sluice_route_'))).toEqual([
      'sluice_route_seats{route="resize",class="normal"} 2',
      'sluice_route_seats_in_flight{route="resize",class="normal"} 2',
      'sluice_route_queued{route="resize",class="normal"} 1',
    ]);
  });
  held.open();
  await Promise.all(runs);
  expect(gateway.snapshot().routes[0]?.seats).toEqual({ limit: 2, inFlight: 0, queued: 0 });
  await gateway.drain({ timeoutMs: 0 });
});
