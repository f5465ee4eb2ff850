import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Connection } from '../../../src/pools/contract.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { ask, FOREVER, type PoolUnderTest, pidOf, tendedPools, until, within } from './pool-fixture.js';
import { Tap } from './tap.js';

let server: PostgresServer;
const open = tendedPools(() => server);

beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off', max_connections: '40' } });
});

afterAll(() => server.close());

async function take(made: PoolUnderTest, count: number): Promise<Connection[]> {
  return await Promise.all(Array.from({ length: count }, () => made.pool.acquire(FOREVER)));
}

const sleep = (connection: Connection): Promise<unknown> =>
  connection.query('SELECT pg_sleep(30)', undefined, undefined).catch((error: unknown) => error);

async function giveBack(connections: readonly Connection[]): Promise<void> {
  await Promise.all(connections.map((each) => each.release()));
}

describe('the loss of one session', () => {
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
});
