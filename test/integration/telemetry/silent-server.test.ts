import { metrics, protect } from 'sluice/express';
import { test } from 'vitest';
import { Relay } from '../../contract/relay.js';
import { startPostgres } from '../../support/postgres.js';
import { serve } from '../http/harness.js';
import { until } from '../pools/pool-fixture.js';

test('a reading that the network swallows gives its connection back, also where no other one notices', async () => {
  const postgres = await startPostgres({ settings: { fsync: 'off' } });
  const relay = await Relay.to({ host: '127.0.0.1', port: postgres.port });
  const bench = await serve(
    {
      url: postgres.url.replace(String(postgres.port), String(relay.address.port)),
      pools: { only: { max: 1, minIdle: 1 } },
      routes: { work: { pool: 'only', deadlineMs: 10_000 } },
    },
    (app, gateway) => {
      app.get('/metrics', metrics(gateway, { serverMetrics: true }));
      app.get(
        '/work',
        protect(gateway, 'work', {}, async (req, res) => res.json((await req.sluice.query('SELECT 1')).rows)),
      );
    },
  );
  const pool = bench.gateway.entry('work').runtime.pool?.pool;
  const scrape = async (): Promise<string> => (await bench.request.get('/metrics')).text;
  const inUse = (): number => (pool?.gauges().total ?? 0) - (pool?.gauges().idle ?? 0);
  await until(async () => (await scrape()).includes('sluice_server_sessions_active'));
  await until(() => inUse() === 0);
  relay.silence();
  await until(async () => {
    await scrape();
    return inUse() === 1;
  });
  await until(() => inUse() === 0);
  relay.resume();
  await until(async () => (await bench.request.get('/work')).status === 200);
  await bench.atRest();
  await bench.close();
  await relay.close();
  await postgres.close();
});
