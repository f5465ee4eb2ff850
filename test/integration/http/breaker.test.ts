import type { Request, Response } from 'express';
import { protect } from 'sluice/express';
import type { Response as Answer } from 'supertest';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { until } from '../pools/pool-fixture.js';
import { type Bench, serve } from './harness.js';

let postgres: PostgresServer;
let bench: Bench;
let act: (req: Request, res: Response) => unknown;

/** What the server says when it is ill while connected; a function may raise any state. */
const ILL = 'DO $$ BEGIN RAISE EXCEPTION SQLSTATE $s$XX000$s$; END $$';
const BUSY = 'DO $$ BEGIN RAISE EXCEPTION SQLSTATE $s$53200$s$; END $$';

/** A route that was seen to be slow refuses what follows, so each of these is asked once. */
const SLOW = ['slow0', 'slow1', 'slow2', 'slow3', 'slow4'];

const breaker = () => bench.gateway.entry('work').runtime.pool?.breaker;
const runs = (text: string) => async (req: Request, res: Response) => {
  res.json((await req.sluice.query(text)).rows);
};

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
  bench = await serve(
    {
      url: postgres.url,
      pools: { main: { max: 2, breakerMinimumCalls: 5, breakerResetMs: 100, breakerRampMs: 100 }, calm: { max: 1 } },
      routes: {
        work: { pool: 'main' },
        first: { pool: 'main', priority: 'critical' },
        calm: { pool: 'calm' },
        ...Object.fromEntries(SLOW.map((route) => [route, { pool: 'main', deadlineMs: 100 }])),
      },
    },
    (app, gateway) => {
      for (const route of ['work', 'first', 'calm', ...SLOW]) {
        app.get(
          `/${route}`,
          protect(gateway, route, {}, (req, res) => act(req, res)),
        );
      }
    },
  );
});
afterEach(async () => {
  await until(() => breaker()?.state !== 'open');
  act = runs('SELECT 1');
  await until(async () => {
    await bench.request.get('/work');
    return breaker()?.state === 'closed';
  });
  await bench.atRest();
  bench.unexpected.length = 0;
});
afterAll(async () => {
  await bench?.close();
  await postgres?.close();
});

async function sicken(text = ILL): Promise<void> {
  act = runs(text);
  // What went well on the ramp is still in the window.
  for (let calls = 0; calls < 1_000 && breaker()?.state === 'closed'; calls++) await bench.request.get('/work');
}

describe('the breaker of a pool', () => {
  it('opens on slowness: statements that use up the whole deadline of their routes', async () => {
    act = (req) => req.sluice.query('SELECT pg_sleep(5)').catch(() => undefined);
    for (const route of SLOW) await bench.request.get(`/${route}`).expect(504);
    expect(breaker()).toMatchObject({ state: 'open', openedBy: 'slow' });
    expect(bench.log.of('breaker_open').join()).toContain('cut off at its deadline');
  });

  it.each([
    ['server faults', ILL],
    ['exhaustion of the server', BUSY],
  ])('opens on %s, refuses at preflight, and lets other pools be', async (_what, text) => {
    let started = 0;
    let answer: Answer | undefined;
    // On a machine that is slower than the reset the request is the probe, and the circuit has to open once more.
    await until(async () => {
      await sicken(text);
      started = 0;
      act = async (_req, res) => {
        started += 1;
        res.json({});
      };
      answer = await bench.request.get('/work');
      return answer.status === 503;
    });
    expect(bench.log.of('breaker_open').length).toBeGreaterThan(0);
    expect(answer?.body).toMatchObject({
      code: 'breaker_open',
      outcome: 'not_started',
      measured: { pool: 'main', circuit: 'open', passes_in_ms: expect.any(Number) },
    });
    expect(answer?.body.measured.passes_in_ms).toBeGreaterThan(0);
    expect(Number(answer?.headers['retry-after'])).toBeGreaterThan(0);
    expect(started).toBe(0);
    act = runs('SELECT 2 AS two');
    expect((await bench.request.get('/calm')).body).toEqual([{ two: 2 }]);
  });

  it('closes again by a ramp that begins with the first good probe', async () => {
    await sicken();
    expect(breaker()?.state).toBe('open');
    await until(() => breaker()?.state === 'half_open');
    act = runs('SELECT 1 AS one');
    const answer = await bench.request.get('/work');
    expect(answer.body).toEqual([{ one: 1 }]);
    expect(breaker()).toMatchObject({ state: 'half_open', share: 0.05 });
    await until(async () => {
      await bench.request.get('/work');
      return breaker()?.state === 'closed';
    });
    expect(bench.log.of('breaker_closed').length).toBeGreaterThan(0);
  });

  it('opens again after each probe that fails, of which the log knows already', async () => {
    const before = bench.log.of('breaker_open').length;
    const wasOpen = breaker()?.state !== 'closed';
    await sicken();
    for (let probes = 0; probes < 3; probes += 1) {
      await until(() => breaker()?.state === 'half_open');
      await bench.request.get('/work');
      expect(breaker()?.state).toBe('open');
    }
    expect(bench.log.of('breaker_open').length - before).toBe(wasOpen ? 0 : 1);
  });

  it('lets one probe through at a time while half-open', async () => {
    await sicken();
    await until(() => breaker()?.state === 'half_open');
    act = runs('SELECT pg_sleep(0.2)');
    const answers = await Promise.all(Array.from({ length: 5 }, () => bench.request.get('/work')));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status, body }) => status === 503 && body.code === 'breaker_open')).toHaveLength(4);
  });

  it('is probed by the most important class that asks', async () => {
    await sicken();
    act = runs('SELECT 1');
    // Asking counts while the circuit is open, and is refused.
    await bench.request.get('/first').expect(503);
    await until(() => breaker()?.state === 'half_open');
    const lower = await bench.request.get('/work');
    expect(lower.body).toMatchObject({
      code: 'breaker_open',
      measured: { circuit: 'half_open', let_through_percent: 0 },
    });
    await bench.request.get('/first').expect(200);
    expect(breaker()?.share).toBe(0.05);
  });

  it('opens again when the probe fails', async () => {
    await sicken();
    await until(() => breaker()?.state === 'half_open');
    act = runs(ILL);
    await bench.request.get('/work');
    expect(breaker()?.state).toBe('open');
  });

  it.each([
    ['a constraint', 'DO $$ BEGIN RAISE EXCEPTION SQLSTATE $s$23505$s$; END $$'],
    ['a syntax error', 'SELEKT 1'],
    ['a serialisation failure', 'DO $$ BEGIN RAISE EXCEPTION SQLSTATE $s$40001$s$; END $$'],
    ['a deadlock', 'DO $$ BEGIN RAISE EXCEPTION SQLSTATE $s$40P01$s$; END $$'],
    ['a cancel by somebody else', 'DO $$ BEGIN RAISE EXCEPTION SQLSTATE $s$57014$s$; END $$'],
    ['a server that says it is starting', 'DO $$ BEGIN RAISE EXCEPTION SQLSTATE $s$57P03$s$; END $$'],
    ['a lock that was not granted', 'DO $$ BEGIN RAISE EXCEPTION SQLSTATE $s$55P03$s$; END $$'],
  ])('is not moved by %s', async (_what, text) => {
    act = runs(text);
    for (let calls = 0; calls < 30; calls++) await bench.request.get('/work');
    expect(breaker()?.state).toBe('closed');
  });

  it('is not moved by writes in transactions that are read-only by their own will', async () => {
    act = (req) => req.sluice.transaction((client) => client.query('CREATE TABLE t ()'), { readOnly: true });
    for (let calls = 0; calls < 30; calls++) await bench.request.get('/work');
    expect(breaker()?.state).toBe('closed');
  });

  it.each(['SET TRANSACTION READ ONLY', 'SET LOCAL transaction_read_only = on'])(
    'nor by those whose handler has made them so: %s',
    async (text) => {
      act = (req) =>
        req.sluice.transaction(async (client) => {
          await client.query(text);
          await client.query('CREATE TABLE t ()');
        });
      for (let calls = 0; calls < 30; calls++) await bench.request.get('/work');
      expect(breaker()?.state).toBe('closed');
    },
  );

  it('nor by those that begin so on a connection of its own', async () => {
    act = async (req) => {
      const client = await req.sluice.connect();
      await client.query('BEGIN READ ONLY');
      await client.query('CREATE TABLE t ()').finally(() => client.release());
    };
    for (let calls = 0; calls < 30; calls++) await bench.request.get('/work');
    expect(breaker()?.state).toBe('closed');
  });

  it('is moved by a server that takes no writes, also from transactions that say other things', async () => {
    act = (req) =>
      req.sluice.transaction(async (client) => {
        await client.query('SET LOCAL lock_timeout = 100');
        await client.query('DO $$ BEGIN RAISE EXCEPTION SQLSTATE $s$25006$s$; END $$');
      });
    await until(async () => {
      await bench.request.get('/work');
      return breaker()?.state === 'open';
    });
  });

  it('is not moved by handlers that fail without the database', async () => {
    act = async (req) => {
      await req.sluice.query('SELECT 1');
      throw new Error('a mistake of the handler');
    };
    for (let calls = 0; calls < 30; calls++) await bench.request.get('/work');
    expect(breaker()?.state).toBe('closed');
  });

  it('is not moved by short budgets of clients', async () => {
    act = (req) => req.sluice.query('SELECT pg_sleep(0.5)').catch(() => undefined);
    for (let calls = 0; calls < 8; calls++) await bench.request.get('/work').set('X-Request-Timeout-Ms', '30');
    expect(breaker()?.state).toBe('closed');
  });
});
