import { health, protect } from 'sluice/express';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Relay } from '../../contract/relay.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { until } from '../pools/pool-fixture.js';
import { type Bench, serve } from './harness.js';

let postgres: PostgresServer;
let relay: Relay;
let bench: Bench;

beforeEach(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
  relay = await Relay.to({ host: '127.0.0.1', port: postgres.port });
  bench = await serve(
    {
      url: postgres.url.replace(String(postgres.port), String(relay.address.port)),
      pools: {
        busy: { max: 4, minIdle: 4 },
        spare: { max: 2, minIdle: 1 },
        empty: { max: 2, minIdle: 0, idleTimeoutMs: 1 },
      },
      routes: {
        busy: { pool: 'busy', deadlineMs: 400 },
        slow: { pool: 'busy', deadlineMs: 60_000 },
        spare: { pool: 'spare', deadlineMs: 400 },
        empty: { pool: 'empty', deadlineMs: 400 },
      },
    },
    (app, gateway) => {
      app.use(health(gateway));
      for (const route of ['busy', 'slow', 'spare', 'empty'] as const) {
        app.get(
          `/${route}`,
          protect(gateway, route, {}, async (req, res) =>
            res.json(
              (await req.sluice.query('SELECT pg_sleep($1::float8), pg_backend_pid() AS pid', [req.query.s ?? 0])).rows,
            ),
          ),
        );
      }
    },
  );
});
afterEach(async () => {
  await bench.close();
  await relay.close();
  await postgres.close();
});

const pool = (name: 'busy' | 'spare' | 'empty') => bench.gateway.entry(name).runtime.pool?.pool;
const states = () => (['busy', 'spare', 'empty'] as const).map((name) => pool(name)?.state);
const readiness = async (): Promise<number> => (await bench.request.get('/readyz')).status;

describe('a database from which no answer comes any more', () => {
  it('is found out by the first statement that ends at its deadline, for pools that nobody uses as well', async () => {
    await bench.request.get('/empty').expect(200);
    await until(() => pool('empty')?.gauges().total === 0 && pool('spare')?.gauges().total === 1);
    relay.silence();
    const sinceMs = performance.now();
    await bench.request.get('/busy').expect(504);
    expect(await readiness()).toBe(200);
    await until(async () => (await readiness()) === 503);
    // The deadline, a second for the cancel, half of one for those that are idle, and one attempt to connect.
    expect(performance.now() - sinceMs).toBeLessThan(400 + 1_000 + 500 + 2_000 + 500);
    expect(states()).toEqual(['down', 'down', 'down']);
    relay.resume();
    const backMs = performance.now();
    await until(async () => (await readiness()) === 200);
    expect(performance.now() - backMs).toBeLessThan(2_600);
    await until(() => states().every((state) => state === 'up'));
    await bench.request.get('/busy').expect(200);
    await bench.atRest();
  });

  it('is found out also when every connection is taken', async () => {
    const waiting = [1, 2, 3, 4].map(() => bench.request.get('/busy?s=2').then(({ status }) => status));
    await until(async () => (await bench.running()).length === 4);
    relay.silence();
    expect(await Promise.all(waiting)).toEqual([504, 504, 504, 504]);
    const endedMs = performance.now();
    await until(() => pool('busy')?.state === 'down');
    // Nobody waits for an attempt to connect first.
    expect(performance.now() - endedMs).toBeLessThan(1_500);
    relay.resume();
    await until(() => states().every((state) => state === 'up'));
    await bench.atRest();
  });
});

it('one session that does not answer says nothing of the others', async () => {
  await until(() => pool('busy')?.gauges().idle === 4);
  // The one that was used last is the next one.
  const [row] = (await bench.request.get('/busy')).body as { pid: number }[];
  const pid = row?.pid ?? 0;
  process.kill(pid, 'SIGSTOP');
  try {
    const { lost, opened } = pool('busy')?.gauges() ?? { lost: 0, opened: 0 };
    await bench.request.get('/busy').expect(504);
    // Given up, and replaced.
    await until(() => (pool('busy')?.gauges().opened ?? 0) > opened);
    expect(pool('busy')?.gauges().lost).toBe(lost);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  expect(bench.log.entries).toEqual([]);
  expect(states()).toEqual(['up', 'up', 'up']);
  await bench.request.get('/busy').expect(200);
  await bench.atRest();
});
