import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../../examples/support/postgres-server.js';
import type { PgPoolOptions } from '../../../src/pools/connection-pool.js';
import type { Connection } from '../../../src/pools/contract.js';
import { ask, expectAtRest, FOREVER, makePool, type PoolUnderTest, pidOf, until, within } from './pool-fixture.js';
import { Tap } from './tap.js';

let server: PostgresServer;
const tested: PoolUnderTest[] = [];

beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off', max_connections: '40' } });
});

afterEach(async () => {
  for (const each of tested.splice(0)) {
    await expectAtRest(each, server.url);
    await each.pool.close(0);
  }
});

afterAll(() => server.close());

function open(options: Partial<PgPoolOptions> = {}, url = server.url): PoolUnderTest {
  const made = makePool({ url }, options);
  tested.push(made);
  return made;
}

async function take(made: PoolUnderTest, count: number): Promise<Connection[]> {
  return await Promise.all(Array.from({ length: count }, () => made.pool.acquire(FOREVER)));
}

const sleep = (connection: Connection): Promise<unknown> =>
  connection.query('SELECT pg_sleep(30)', undefined, undefined).catch((error: unknown) => error);

async function giveBack(connections: readonly Connection[]): Promise<void> {
  await Promise.all(connections.map((each) => each.release()));
}

describe('the loss of one session', () => {
  it('costs its request and a few milliseconds, when it was terminated', async () => {
    const made = open();
    const { pool, journal } = made;
    const [victim, ...others] = await take(made, 3);
    if (victim === undefined) throw new Error('nothing lent');
    const pid = await pidOf(victim);
    await giveBack(others);
    const running = sleep(victim);
    const from = performance.now();
    await ask(server.url, 'SELECT pg_terminate_backend($1)', [pid]);
    expect(pool.classify(await running)).toBe('connection_lost');
    expect(await running).toMatchObject({ code: '57P01' });
    expect(victim.alive).toBe(false);
    const next = await pool.acquire(within(1_000));
    expect(performance.now() - from).toBeLessThan(200);
    expect((await next.query('SELECT 1', undefined, undefined)).rowCount).toBe(1);
    expect(journal.entries).toEqual(['up', 'down', 'up']);
    // It came up on the word of a session that was open, not on a new one.
    expect(others.map((each) => each.id)).toContain(next.id);
    expect(pool.gauges()).toMatchObject({ lost: 1 });
    await giveBack([victim, next]);
  });

  it('is noticed while the session is idle, and puts the others in doubt', async () => {
    const made = open();
    const { pool, journal } = made;
    const both = await take(made, 2);
    const pids = await Promise.all(both.map(pidOf));
    await giveBack(both);
    await ask(server.url, 'SELECT pg_terminate_backend($1)', [pids[0]]);
    await journal.reached('down');
    expect(pool.tryAcquire()).toBeUndefined();
    await journal.reached('up', 2);
    const next = await pool.acquire(within(1_000));
    expect(await pidOf(next)).toBe(pids[1]);
    await next.release();
  });

  it('validates the sessions that are lent when they come back', async () => {
    const tap = await Tap.before(server.url);
    const made = open({}, tap.url);
    const { pool, journal } = made;
    const [victim, other] = await take(made, 2);
    if (victim === undefined || other === undefined) throw new Error('nothing lent');
    await ask(server.url, 'SELECT pg_terminate_backend($1)', [await pidOf(victim)]);
    await journal.reached('down');
    await victim.release();
    tap.statements.length = 0;
    const released = other.release();
    expect(pool.gauges()).toMatchObject({ idle: 0, inUse: 0 });
    await released;
    expect(tap.statements).toContain('');
    await journal.reached('up', 2);
    await pool.close(0);
    await tap.close();
  });

  it('is no news when the session was in doubt already', async () => {
    const made = open();
    const { pool, journal } = made;
    const [first, second, third] = await take(made, 3);
    if (first === undefined || second === undefined || third === undefined) throw new Error('nothing lent');
    const pids = [await pidOf(first), await pidOf(second)];
    await third.release();
    await ask(server.url, 'SELECT pg_terminate_backend($1)', [pids[0]]);
    await journal.reached('up', 2);
    await ask(server.url, 'SELECT pg_terminate_backend($1)', [pids[1]]);
    await until(() => !second.alive);
    await giveBack([first, second]);
    expect(journal.entries).toEqual(['up', 'down', 'up']);
    expect(pool.gauges()).toMatchObject({ state: 'up', lost: 2 });
  });

  it('is nobody else’s trouble when the server ended it by a rule for idle sessions', async () => {
    const made = open();
    const { pool, journal } = made;
    const [victim, other] = await take(made, 2);
    await other?.release();
    await victim?.begin(undefined);
    await victim?.query('SET LOCAL idle_in_transaction_session_timeout = 20', undefined, undefined);
    await until(() => victim?.alive === false);
    expect(journal.entries).toEqual(['up']);
    expect(pool.tryAcquire()?.release()).toBeDefined();
    await victim?.release();
    expect(pool.gauges()).toMatchObject({ lost: 1, state: 'up' });
  });
});

describe('the end of the server', () => {
  it('survives SIGKILL of one backend, which costs all of them, as one outage', async () => {
    const made = open({ max: 4 });
    const { pool, journal } = made;
    const all = await take(made, 4);
    const pid = await pidOf(all[0] as Connection);
    const running = all.slice(0, 2).map(sleep);
    await all[2]?.release();
    process.kill(pid, 'SIGKILL');
    for (const failure of await Promise.all(running)) expect(pool.classify(failure)).toBe('connection_lost');
    const next = await pool.acquire(within(10_000));
    expect((await next.query('SELECT 1', undefined, undefined)).rowCount).toBe(1);
    await giveBack([...all, next]);
    expect(pool.state).toBe('up');
    expect(journal.count('down')).toBe(1);
    expect(journal.count('up')).toBe(2);
    expect(pool.gauges().lost).toBe(4);
  });

  it.each(['fast', 'immediate'] as const)(
    'lets borrowers wait a %s restart out, and serves them soon after',
    async (mode) => {
      const made = open({ max: 4 });
      const { pool, journal } = made;
      const all = await take(made, 4);
      const [inFlight, ...idle] = all;
      if (inFlight === undefined) throw new Error('nothing lent');
      await giveBack(idle);
      const running = sleep(inFlight);
      await server.stop(mode);
      expect(pool.classify(await running)).toBe('connection_lost');
      await inFlight.release();
      await journal.reached('down');
      const gone = pool.acquire(within(100));
      const waiting = Array.from({ length: 20 }, (_, i) => pool.acquire(within(20_000, (i % 4) as 0 | 1 | 2 | 3)));
      await expect(gone).rejects.toThrow('within the time left');
      const attempts = pool.gauges().connectFailures;
      // Long enough for the wait between attempts to reach its cap.
      await until(() => pool.gauges().connectFailures >= attempts + 4);
      expect(pool.gauges()).toMatchObject({ acquiring: 20, inUse: 0, total: 0 });
      await server.start();
      const accepted = performance.now();
      const outcomes = waiting.map(async (each) => {
        const connection = await each;
        const after = performance.now() - accepted;
        await connection.query('SELECT 1', undefined, undefined);
        await connection.release();
        return after;
      });
      expect(await Promise.race(outcomes)).toBeLessThan(500);
      await Promise.all(outcomes);
      expect(journal.entries).toEqual(['up', 'down', 'up']);
    },
  );

  it('tries one connection at a time while it is down', async () => {
    const made = open({ max: 8, minIdle: 4 });
    const { pool, journal } = made;
    await until(() => pool.gauges().idle === 4);
    await server.stop();
    await journal.reached('down');
    const waiting = Array.from({ length: 8 }, () => pool.acquire(within(20_000)));
    let most = 0;
    const failures = pool.gauges().connectFailures;
    await until(() => {
      most = Math.max(most, pool.gauges().connecting);
      return pool.gauges().connectFailures >= failures + 3;
    });
    expect(most).toBe(1);
    await server.start();
    await giveBack(await Promise.all(waiting));
  });

  it('can happen before the pool was made', async () => {
    await server.stop();
    const made = open({ minIdle: 2 });
    const { pool, journal } = made;
    await until(() => pool.gauges().connectFailures >= 2);
    expect(pool.state).toBe('down');
    expect(journal.entries).toEqual(['down']);
    expect(journal.warnings).toEqual([
      { code: 'database_unreachable', message: expect.stringContaining(`ECONNREFUSED 127.0.0.1:${server.port}`) },
    ]);
    const waiting = pool.acquire(within(20_000));
    await server.start();
    await (await waiting).release();
    await until(() => pool.gauges().idle === 2);
    expect(journal.entries).toEqual(['down', 'up']);
  });
});

describe('a silent network', () => {
  it('costs a validation that is bounded, and the pool recovers', async () => {
    const tap = await Tap.before(server.url);
    const made = open({ max: 2, validateAfterIdleMs: 5, connectTimeoutMs: 200 }, tap.url);
    const { pool, journal } = made;
    await (await pool.acquire(FOREVER)).release();
    const idleFrom = performance.now();
    await until(() => performance.now() - idleFrom > 6);
    tap.silence();
    await expect(pool.acquire(within(900))).rejects.toThrow('within the time left');
    expect(journal.entries).toEqual(['up', 'down']);
    tap.resume();
    await (await pool.acquire(within(5_000))).release();
    expect(journal.entries).toEqual(['up', 'down', 'up']);
    await pool.close(0);
    await tap.close();
  });

  it('ends a connect at its bound', async () => {
    const tap = await Tap.before(server.url);
    tap.silence();
    const { pool, journal } = open({ connectTimeoutMs: 60 }, tap.url);
    const from = performance.now();
    await journal.reached('down');
    expect(performance.now() - from).toBeGreaterThanOrEqual(58);
    expect(performance.now() - from).toBeLessThan(400);
    expect(pool.gauges().connectFailures).toBe(1);
    await pool.close(0);
    await tap.close();
  });

  it('classifies a reset connection as lost', async () => {
    const tap = await Tap.before(server.url);
    const { pool } = open({ max: 1 }, tap.url);
    const connection = await pool.acquire(FOREVER);
    const running = sleep(connection);
    await until(() => tap.statements.length === 1);
    tap.cut();
    expect(pool.classify(await running)).toBe('connection_lost');
    await connection.release();
    await (await pool.acquire(within(5_000))).release();
    await pool.close(0);
    await tap.close();
  });
});

describe('a refusal by the server', () => {
  it('warns once about a wrong password, without telling it, and is down', async () => {
    const url = new URL(server.url);
    url.password = 'not-the-secret';
    const { pool, journal } = open({}, url.href);
    await until(() => pool.gauges().connectFailures >= 3);
    expect(pool.state).toBe('down');
    expect(journal.entries).toEqual(['down']);
    expect(journal.warnings.map(({ code }) => code)).toEqual(['database_credentials_refused']);
    expect(journal.warnings[0]?.message).toMatch(/user or the password of the url/);
    expect(JSON.stringify(journal.warnings)).not.toMatch(/not-the-secret|postgres:\/\//);
    await pool.close(0);
  });

  it('warns once about an unknown database and recovers when it appears', async () => {
    const url = new URL(server.url);
    url.pathname = '/later';
    const { pool, journal } = open({}, url.href);
    await until(() => pool.gauges().connectFailures >= 2);
    expect(journal.entries).toEqual(['down']);
    expect(journal.warnings.map(({ code }) => code)).toEqual(['database_unknown']);
    await ask(server.url, 'CREATE DATABASE later');
    await journal.reached('up');
    await (await pool.acquire(within(5_000))).release();
    await pool.close(0);
  });

  it('keeps serving with what it has when the server gives no more connections', async () => {
    await ask(server.url, "CREATE ROLE small LOGIN PASSWORD 'small' CONNECTION LIMIT 2");
    const url = new URL(server.url);
    url.username = 'small';
    url.password = 'small';
    const made = open({ max: 4 }, url.href);
    const { pool, journal } = made;
    const both = await take(made, 2);
    const third = pool.acquire(within(10_000));
    await journal.reached('database_connections_exhausted');
    expect(pool.state).toBe('up');
    const { connectFailures } = pool.gauges();
    await giveBack(both);
    const served = await third;
    for (let i = 0; i < 50; i += 1) {
      const connection = await pool.acquire(within(5_000));
      await connection.query('SELECT 1', undefined, undefined);
      await connection.release();
    }
    expect(pool.gauges().connectFailures).toBe(connectFailures);
    expect(journal.entries).toEqual(['up']);
    expect(journal.warnings.map(({ code }) => code)).toEqual(['database_connections_exhausted']);
    await served.release();
    const other = makePool({ url: url.href });
    await until(() => other.pool.gauges().connectFailures >= 2);
    expect(other.pool.state).toBe('down');
    expect(other.journal.count('database_connections_exhausted')).toBe(1);
    await pool.close(0);
    await other.journal.reached('up');
    await other.pool.close(0);
  });
});
