import type { Request, Response } from 'express';
import { protect } from 'sluice/express';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { ask, until } from '../pools/pool-fixture.js';
import { type Bench, type Latch, latch, serve } from './harness.js';
import { RawClient } from './raw-client.js';

/** A row of `slow` makes its COMMIT take `seconds`: the sleep is in a constraint trigger that runs then. */
const SCHEMA = `
  CREATE TABLE notes (text text PRIMARY KEY);
  CREATE TABLE slow (text text PRIMARY KEY, seconds float8 NOT NULL);
  CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN PERFORM pg_sleep(NEW.seconds); RETURN NULL; END $$;
  CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION wait();
`;

/** Each test takes a route of its own: one that has expired is known to be slow, and refuses short budgets. */
const ROUTES = 20;

let postgres: PostgresServer;
let bench: Bench;
let act: (req: Request, res: Response) => unknown;
let used = 0;
const cancels = (): number => bench.gateway.entry('fast0').runtime.pool?.pool.gauges().cancels ?? 0;

/** A fresh route with a deadline of 300 ms: `fast`; a long one: `long`; the same, finishing for clients that left: `kept`. */
function next(kind: 'fast' | 'patient' | 'long' | 'kept'): { path: string; name: string } {
  const name = `${kind}${used++}`;
  return { path: `/${name}`, name };
}

async function has(table: 'notes' | 'slow', text: string): Promise<boolean> {
  return (await ask(postgres.url, `SELECT 1 FROM ${table} WHERE text = $1`, [text])).length === 1;
}

async function timed<T>(work: Promise<T>): Promise<{ result: T; tookMs: number }> {
  const startedMs = performance.now();
  const result = await work;
  return { result, tookMs: performance.now() - startedMs };
}

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
  await ask(postgres.url, SCHEMA);
  const indices = Array.from({ length: ROUTES * 2 }, (_, index) => index);
  const pool = 'main';
  bench = await serve(
    {
      url: postgres.url,
      pools: { main: { max: 2, minIdle: 2 } },
      routes: Object.fromEntries(
        indices.flatMap((index) => [
          [`fast${index}`, { pool, deadlineMs: 300, commitGraceMs: 50 }],
          [`patient${index}`, { pool, deadlineMs: 300, commitGraceMs: 5_000 }],
          [`long${index}`, { pool, deadlineMs: 20_000 }],
          [`kept${index}`, { pool, deadlineMs: 20_000, onDisconnect: 'finish' as const }],
        ]),
      ),
    },
    (app, gateway) => {
      for (const { name } of gateway.telemetry().routes()) {
        app.get(
          `/${name}`,
          protect(gateway, name, {}, (req, res) => act(req, res)),
        );
      }
    },
  );
  act = async (req, res) => res.json(await req.sluice.query('SELECT 1'));
  await bench.request.get(next('long').path).expect(200);
});
afterEach(async () => {
  await bench.atRest();
  expect(bench.unexpected).toEqual([]);
});
afterAll(async () => {
  await bench?.close();
  await postgres?.close();
});

describe('a deadline that runs out', () => {
  it('during a statement: 504 at once, the statement is cancelled on the server, the signal tells why', async () => {
    const { path, name } = next('fast');
    const told: Latch<unknown> = latch<unknown>();
    let signal: AbortSignal | undefined;
    act = async (req) => {
      signal = req.sluice.signal;
      await req.sluice.query('SELECT pg_sleep(20)').catch(told.open);
    };
    const { result, tookMs } = await timed(bench.request.get(path));
    expect(result.status).toBe(504);
    expect(result.body).toMatchObject({ code: 'deadline_expired', outcome: 'rolled_back' });
    expect(result.body.measured).toEqual({ stage: 'handler', route: name, deadline_ms: 300 });
    expect(tookMs).toBeLessThan(600);
    expect(signal?.reason).toMatchObject({ code: 'deadline_expired' });
    expect(await told.promise).toMatchObject({ code: 'deadline_expired' });
    await until(async () => (await bench.running()).length === 0, 1_000);
    await bench.atRest();
    expect(bench.stats(name).outcomes.expired).toBe(1);
  });

  it('during a writing statement outside a transaction: nobody can know yet', async () => {
    const { path } = next('fast');
    act = (req) => req.sluice.query("INSERT INTO notes SELECT 'alone' FROM pg_sleep(20)").catch(() => undefined);
    const answer = await bench.request.get(path);
    expect(answer.body).toMatchObject({ status: 504, outcome: 'unknown' });
    await bench.atRest();
    expect(await has('notes', 'alone')).toBe(false);
  });

  it('inside a transaction: rolled back, as told', async () => {
    const { path } = next('fast');
    act = (req) =>
      req.sluice
        .transaction(async (client) => {
          await client.query("INSERT INTO notes VALUES ('inside')");
          await client.query('SELECT pg_sleep(20)');
        })
        .catch(() => undefined);
    const answer = await bench.request.get(path);
    expect(answer.body).toMatchObject({ status: 504, outcome: 'rolled_back' });
    await bench.atRest();
    expect(await has('notes', 'inside')).toBe(false);
  });

  it('between two statements: no later one is sent, and the transaction cannot commit', async () => {
    const { path } = next('fast');
    const told: Latch<unknown> = latch<unknown>();
    act = (req) =>
      req.sluice
        .transaction(async (client) => {
          await client.query("INSERT INTO notes VALUES ('between')");
          const { signal } = req.sluice;
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
        })
        .catch(told.open);
    const answer = await bench.request.get(path);
    expect(answer.body).toMatchObject({ status: 504, outcome: 'rolled_back' });
    expect(await told.promise).toMatchObject({ code: 'deadline_expired' });
    await bench.atRest();
    expect(await has('notes', 'between')).toBe(false);
  });

  it('before anything was started: not_started', async () => {
    const { path } = next('fast');
    act = () => undefined;
    expect((await bench.request.get(path)).body).toMatchObject({ status: 504, outcome: 'not_started' });
  });

  it('after a transaction was committed: unknown, because it took effect', async () => {
    const { path } = next('fast');
    act = (req) => req.sluice.transaction((client) => client.query("INSERT INTO notes VALUES ('committed')"));
    expect((await bench.request.get(path)).body).toMatchObject({ status: 504, outcome: 'unknown' });
    expect(await has('notes', 'committed')).toBe(true);
  });

  it('with no connection to be had: the waiting ends with it', async () => {
    const holders = [next('long'), next('long')];
    const free = latch();
    act = async (req, res) => {
      const client = await req.sluice.connect();
      await free.promise;
      client.release();
      res.json({});
    };
    const held = holders.map(({ path }) => bench.request.get(path).then((answer) => answer.status));
    await until(() => bench.gateway.entry('fast0').runtime.pool?.pool.gauges().inUse === 2);
    const { path, name } = next('fast');
    const { result, tookMs } = await timed(bench.request.get(path));
    expect(result.status).toBe(503);
    expect(result.body.outcome).toBe('not_started');
    expect(['deadline_expired', 'deadline_unreachable']).toContain(result.body.code);
    expect(tookMs).toBeLessThan(600);
    expect(bench.stats(name).admitted).toBe(0);
    free.open();
    expect(await Promise.all(held)).toEqual([200, 200]);
  });
});

describe('a COMMIT that is on its way when the deadline runs out', () => {
  const insertSlow =
    (text: string, beforeSeconds: number, commitSeconds: number) => async (req: Request, res: Response) => {
      await req.sluice.transaction(async (client) => {
        await client.query('INSERT INTO slow VALUES ($1, $2)', [text, commitSeconds]);
        await client.query('SELECT pg_sleep($1)', [beforeSeconds]);
      });
      res.status(201).json({ committed: true });
    };

  it('gets a grace, and the true outcome is told', async () => {
    const { path, name } = next('patient');
    const before = cancels();
    act = insertSlow('in grace', 0.2, 0.25);
    const { result, tookMs } = await timed(bench.request.get(path));
    expect([result.status, result.body]).toEqual([201, { committed: true }]);
    expect(tookMs).toBeGreaterThan(350);
    expect(await has('slow', 'in grace')).toBe(true);
    expect(cancels()).toBe(before);
    expect(bench.stats(name).outcomes).toMatchObject({ succeeded: 1, expired: 0 });
  });

  it('is not cancelled when the grace is over either: 504 unknown, and it takes effect', async () => {
    const { path, name } = next('fast');
    const before = cancels();
    act = (req, res) => insertSlow('past grace', 0.2, 0.28)(req, res).catch(() => undefined);
    const { result, tookMs } = await timed(bench.request.get(path));
    expect(result.body).toMatchObject({ status: 504, code: 'deadline_expired', outcome: 'unknown' });
    expect(tookMs).toBeLessThan(470);
    // The seat ends with the connection, not with the answer.
    expect(bench.stats(name).inFlight).toBe(1);
    await bench.atRest();
    expect(await has('slow', 'past grace')).toBe(true);
    expect(cancels()).toBe(before);
  });

  it('by hand, on a connection that is never released: it comes back all the same', async () => {
    const { path, name } = next('fast');
    act = async (req) => {
      const client = await req.sluice.connect();
      await client.query('BEGIN');
      await client.query("INSERT INTO slow VALUES ('by hand', 0.28)");
      await client.query('SELECT pg_sleep(0.2)');
      await client.query('COMMIT');
    };
    const answer = await bench.request.get(path);
    expect(answer.body).toMatchObject({ status: 504, outcome: 'unknown' });
    await until(() => bench.stats(name).inFlight === 0);
    expect(await has('slow', 'by hand')).toBe(true);
  });

  it('is not cancelled for a client that left', async () => {
    const { path, name } = next('long');
    const before = cancels();
    act = insertSlow('client left', 0, 0.3);
    const client = await RawClient.sends(bench.port, 'GET', path);
    await until(async () => (await bench.running()).includes('COMMIT'));
    client.leave();
    await until(() => bench.stats(name).ended === 1);
    expect(await has('slow', 'client left')).toBe(true);
    expect(cancels()).toBe(before);
    expect(bench.stats(name).outcomes.abandoned).toBe(1);
  });

  it('tells of a rollback when the COMMIT itself fails', async () => {
    await ask(postgres.url, 'CREATE TABLE parents (id int PRIMARY KEY)');
    await ask(postgres.url, 'CREATE TABLE children (parent int REFERENCES parents DEFERRABLE INITIALLY DEFERRED)');
    const { path } = next('long');
    let told: unknown;
    act = async (req, res) => {
      told = await req.sluice
        .transaction((client) => client.query('INSERT INTO children VALUES (7)'))
        .catch((error: unknown) => error);
      res.json({});
    };
    await bench.request.get(path).expect(200);
    expect(told).toMatchObject({ code: '23503' });
  });
});

describe('a client that goes away', () => {
  it('during a statement: it is cancelled on the server, and the seat is free soon', async () => {
    const { path, name } = next('long');
    const told: Latch<unknown> = latch<unknown>();
    let signal: AbortSignal | undefined;
    act = async (req) => {
      signal = req.sluice.signal;
      await req.sluice.query('SELECT pg_sleep(20)').catch(told.open);
    };
    const client = await RawClient.sends(bench.port, 'GET', path);
    await until(async () => (await bench.running()).length === 1);
    const leftMs = performance.now();
    client.leave();
    expect(await told.promise).toMatchObject({ name: 'ClientGoneError' });
    await until(() => bench.stats(name).inFlight === 0);
    expect(performance.now() - leftMs).toBeLessThan(1_000);
    expect(signal?.reason).toMatchObject({ name: 'ClientGoneError' });
    expect(bench.stats(name).outcomes).toMatchObject({ abandoned: 1, failed: 0 });
    expect(await bench.running()).toEqual([]);
  });

  it('and whose handler passes the error on: no error handler is bothered', async () => {
    const { path, name } = next('long');
    act = async (req, res) => res.json(await req.sluice.query('SELECT pg_sleep(20)'));
    const client = await RawClient.sends(bench.port, 'GET', path);
    await until(async () => (await bench.running()).length === 1);
    client.leave();
    await until(() => bench.stats(name).inFlight === 0);
    expect(bench.unexpected).toEqual([]);
  });

  it("onDisconnect 'finish': the work goes on to its end, and is counted as abandoned", async () => {
    const { path, name } = next('kept');
    act = async (req, res) => {
      await req.sluice.transaction(async (client) => {
        await client.query('SELECT pg_sleep(0.2)');
        await client.query("INSERT INTO notes VALUES ('finished')");
      });
      res.json({});
    };
    const client = await RawClient.sends(bench.port, 'GET', path);
    await until(async () => (await bench.running()).length === 1);
    client.leave();
    await until(() => bench.stats(name).ended === 1);
    expect(await has('notes', 'finished')).toBe(true);
    expect(bench.stats(name).outcomes).toMatchObject({ abandoned: 1, succeeded: 0 });
  });
});

describe('limits on the server', () => {
  it('a statement is bounded by the time left there too', async () => {
    const { path } = next('long');
    act = async (req, res) => {
      const [outside, inside] = [
        await req.sluice.query<{ ms: string }>(
          "SELECT setting AS ms FROM pg_settings WHERE name = 'statement_timeout'",
        ),
        await req.sluice.transaction((client) =>
          client.query<{ ms: string }>("SELECT setting AS ms FROM pg_settings WHERE name = 'statement_timeout'"),
        ),
      ];
      res.json([Number(outside.rows[0]?.ms), Number(inside.rows[0]?.ms)]);
    };
    const answer = await bench.request.get(path).set('X-Request-Timeout-Ms', '900');
    const [outside, inside] = answer.body as [number, number];
    expect(outside).toBe(1_000);
    expect(inside).toBeGreaterThan(300);
    expect(inside).toBeLessThanOrEqual(900);
  });

  it('a limit that the handler set for itself is its own business, not a deadline', async () => {
    const { path } = next('long');
    act = async (req, res) => {
      const error = await req.sluice
        .transaction(async (client) => {
          await client.query('SET LOCAL statement_timeout = 20');
          await client.query('SELECT pg_sleep(5)');
        })
        .catch((reason: { code: string }) => reason.code);
      res.json({ error });
    };
    expect((await bench.request.get(path)).body).toEqual({ error: '57014' });
  });

  it('a cancel from elsewhere is not a deadline either', async () => {
    const { path } = next('long');
    act = async (req, res) => {
      const error = await req.sluice.query('SELECT pg_sleep(5)').catch((reason: { code: string }) => reason.code);
      res.json({ error });
    };
    const answer = bench.request.get(path).then(({ body }) => body);
    await until(async () => (await bench.running()).length === 1);
    await ask(
      postgres.url,
      `SELECT pg_cancel_backend(pid) FROM pg_stat_activity
       WHERE query = 'SELECT pg_sleep(5)' AND state = 'active' AND application_name = $1`,
      [bench.gateway.config.applicationName],
    );
    expect(await answer).toEqual({ error: '57014' });
  });
});

describe('a budget shorter than the route takes', () => {
  it('is refused at once, and nothing is started', async () => {
    const { path, name } = next('long');
    let started = 0;
    act = async (req, res) => {
      started += 1;
      await req.sluice.query('SELECT pg_sleep(0.1)');
      res.json({});
    };
    for (let sample = 0; sample < 5; sample++) await bench.request.get(path).expect(200);
    const answer = await bench.request.get(path).set('X-Request-Timeout-Ms', '40');
    expect(answer.status).toBe(503);
    expect(answer.body).toMatchObject({ code: 'deadline_unreachable', outcome: 'not_started' });
    expect(answer.body.measured).toMatchObject({ route: name, predicted_wait_ms: 0 });
    expect(answer.body.measured.time_left_ms).toBeLessThanOrEqual(40);
    expect(answer.body.measured.expected_service_ms).toBeGreaterThan(80);
    expect(started).toBe(5);
    await bench.request.get(path).set('X-Request-Timeout-Ms', '5000').expect(200);
  });
});
