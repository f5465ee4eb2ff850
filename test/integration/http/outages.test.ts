import type { Request, Response } from 'express';
import { health, protect } from 'sluice/express';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { ask, until } from '../pools/pool-fixture.js';
import { type Bench, latch, serve } from './harness.js';

let postgres: PostgresServer;
let bench: Bench;
let act: (req: Request, res: Response) => unknown;

const breaker = () => bench.gateway.entry('work').runtime.pool?.breaker;
const pool = () => bench.gateway.entry('work').runtime.pool?.pool;
const bulkhead = () => bench.gateway.entry('work').runtime.gate?.bulkhead;
const get = (path = '/work') => bench.request.get(path).then(({ status, body }) => ({ status, body }));

beforeEach(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
  await ask(postgres.url, 'CREATE TABLE orders (id text PRIMARY KEY)');
  bench = await serve(
    {
      url: postgres.url,
      pools: { main: { max: 4, minIdle: 4, breakerMinimumCalls: 5 } },
      routes: {
        work: { pool: 'main', priority: 'critical', deadlineMs: 10_000, maxQueued: 1_000 },
        brief: { pool: 'main', deadlineMs: 300 },
      },
    },
    (app, gateway) => {
      app.use(health(gateway));
      app.get(
        '/work',
        protect(gateway, 'work', {}, (req, res) => act(req, res)),
      );
      app.get(
        '/brief',
        protect(gateway, 'brief', {}, (req, res) => act(req, res)),
      );
      app.get(
        '/order/:id',
        protect(gateway, 'work', {}, (req, res) => placeOrder(req, res)),
      );
    },
  );
  act = async (req, res) => res.json((await req.sluice.query('SELECT 1 AS one')).rows);
  for (let sample = 0; sample < 5; sample++) expect((await get()).status).toBe(200);
  await until(() => pool()?.gauges().total === 4);
});
afterEach(async () => {
  await bench.atRest();
  expect(bench.unexpected).toEqual([]);
  await bench.close();
  await postgres.close();
});

async function placeOrder(req: Request, res: Response): Promise<void> {
  await req.sluice.transaction(async (client) => {
    await client.query('SELECT pg_sleep(0.02)');
    await client.query('INSERT INTO orders VALUES ($1)', [req.params.id]);
  });
  res.status(201).json({ id: req.params.id });
}

describe.each(['fast', 'immediate'] as const)('a restart (%s)', (mode) => {
  it('under load fails exactly the requests in flight, each once, and its tale is true', async () => {
    const answers = new Map<string, { status: number; body: { code?: string; outcome?: string } }>();
    let sent = 0;
    let restarted = false;
    const client = async (): Promise<void> => {
      while (!restarted || sent < 400) {
        const id = `o${++sent}`;
        answers.set(id, await get(`/order/${id}`));
      }
    };
    const clients = Array.from({ length: 12 }, client);
    let servedAfterMs = Number.POSITIVE_INFINITY;
    try {
      await until(() => answers.size > 60);
      expect(bulkhead()?.inFlight).toBe(4);
      await postgres.stop(mode);
      await until(() => pool()?.state === 'down');
      await postgres.start();
      const acceptsAtMs = performance.now();
      const { admitted } = bench.stats('work');
      await until(() => bench.stats('work').admitted > admitted);
      servedAfterMs = performance.now() - acceptsAtMs;
    } finally {
      restarted = true;
      await Promise.all(clients);
    }
    // The faults and the bench ask for 500 ms, on a quiet machine.
    expect(servedAfterMs).toBeLessThan(2_000);

    const failed = [...answers].filter(([, { status }]) => status !== 201);
    expect(failed.map(([, { body }]) => body.code)).toEqual(failed.map(() => 'connection_lost'));
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.length).toBeLessThanOrEqual(4);
    const { shed, outcomes, errorsByCode } = bench.stats('work');
    expect({ shed, failed: outcomes.failed, lost: errorsByCode.connection_lost }).toEqual({
      shed: 0,
      failed: failed.length,
      lost: failed.length,
    });
    const stored = new Set((await ask<{ id: string }>(postgres.url, 'SELECT id FROM orders')).map(({ id }) => id));
    for (const [id, { status, body }] of answers) {
      if (status === 201) expect(stored, id).toContain(id);
      else if (body.outcome === 'rolled_back') expect(stored, id).not.toContain(id);
      else expect(body.outcome).toBe('unknown');
    }
    // An outage is no illness.
    expect(breaker()?.state).toBe('closed');
    expect(bench.log.of('breaker_open')).toEqual([]);
  });
});

describe('while the server is away', () => {
  const stop = async (): Promise<void> => {
    await postgres.stop();
    await until(() => pool()?.state === 'down');
  };

  it('requests that can wait it out are queued, and served when it is back', async () => {
    await stop();
    const answers = Array.from({ length: 20 }, () => get());
    await until(() => bulkhead()?.queued === 20);
    await postgres.start();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
  });

  it('requests that cannot are told at once, and readiness fails', async () => {
    await stop();
    const startedMs = performance.now();
    const answer = await get('/brief');
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(answer).toMatchObject({
      status: 503,
      body: { code: 'database_unavailable', outcome: 'not_started', measured: { route: 'brief' } },
    });
    const ready = await bench.request.get('/readyz');
    expect(ready.status).toBe(503);
    expect(ready.body.reasons).toEqual([expect.stringMatching(/no pool can reach its database: "main"/)]);
    await bench.request.get('/healthz').expect(200);
    await postgres.start();
    await until(async () => (await bench.request.get('/readyz')).status === 200);
  });

  it('and stays away: those that wait are given up when the time for it is over, later ones at once', async () => {
    await stop();
    const downMs = performance.now();
    const answers = await Promise.all(Array.from({ length: 20 }, () => get()));
    const waitedMs = performance.now() - downMs;
    expect(new Set(answers.map(({ body }) => body.code))).toEqual(new Set(['database_unavailable']));
    expect(waitedMs).toBeGreaterThan(1_700);
    expect(waitedMs).toBeLessThan(5_000);
    const laterMs = performance.now();
    expect(await get()).toMatchObject({ status: 503, body: { code: 'database_unavailable', outcome: 'not_started' } });
    expect(performance.now() - laterMs).toBeLessThan(1_000);
    await postgres.start();
    await until(async () => (await get()).status === 200);
  });

  it('a handler that holds a connection and does nothing with it learns at its next statement', async () => {
    const stopped = latch();
    const held = latch();
    act = async (req) => {
      const client = await req.sluice.connect();
      held.open();
      await stopped.promise;
      try {
        await client.query('SELECT 1');
      } finally {
        client.release();
      }
    };
    const answer = get();
    await held.promise;
    await stop();
    stopped.open();
    expect(await answer).toMatchObject({ status: 503, body: { code: 'connection_lost', outcome: 'rolled_back' } });
    expect((await answer).body.measured).toEqual({ stage: 'handler', route: 'work', pool: 'main' });
    await postgres.start();
    await until(() => pool()?.state === 'up');
  });

  it('a transaction that begins on a connection just lost gets another when the server is back', async () => {
    const stopped = latch();
    const ready = latch();
    act = async (req, res) => {
      ready.open();
      await stopped.promise;
      const rows = await req.sluice.transaction(async (client) => (await client.query('SELECT 3 AS three')).rows);
      res.json(rows);
    };
    const answer = get();
    await ready.promise;
    await stop();
    stopped.open();
    await postgres.start();
    expect(await answer).toEqual({ status: 200, body: [{ three: 3 }] });
  });

  it('a single session that is terminated costs its own request only', async () => {
    const pids: number[] = [];
    act = async (req, res) => {
      const { rows } = await req.sluice.transaction(async (client) => {
        const found = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
        pids.push(found.rows[0]?.pid ?? 0);
        return client.query('SELECT pg_sleep(0.3)');
      });
      res.json(rows.length);
    };
    const answers = [get(), get(), get()];
    await until(() => pids.length === 3);
    await until(async () => (await bench.running()).length === 3);
    await ask(postgres.url, 'SELECT pg_terminate_backend($1)', [pids[0]]);
    const statuses = (await Promise.all(answers)).map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 200, 503]);
    act = async (req, res) => res.json((await req.sluice.query('SELECT 1')).rowCount);
    for (let after = 0; after < 8; after++) expect((await get()).status).toBe(200);
  });

  it('no idle or lent session that is terminated ends the process', async () => {
    const held = latch();
    const go = latch();
    act = async (req, res) => {
      const client = await req.sluice.connect();
      held.open();
      await go.promise;
      client.release();
      res.json({});
    };
    const answer = get();
    await held.promise;
    await ask(postgres.url, 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [
      bench.gateway.config.applicationName,
    ]);
    await until(() => (pool()?.gauges().lost ?? 0) >= 4);
    go.open();
    expect((await answer).status).toBe(200);
    act = async (req, res) => res.json((await req.sluice.query('SELECT 1')).rowCount);
    expect((await get()).status).toBe(200);
  });
});
