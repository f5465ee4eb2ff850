import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type PostgresServer, startShopPostgres } from '../../support/postgres.js';
import { checkOut, type ProcessOptions, ShopProcess, untilStatus } from './shop-process.js';

let postgres: PostgresServer;
let started: ShopProcess[] = [];

beforeAll(async () => {
  postgres = await startShopPostgres({ settings: { fsync: 'off' } });
});
afterAll(() => postgres.close());
afterEach(async () => {
  await Promise.all(started.map((shop) => shop.destroy()));
  started = [];
});

/** Starts a shop that is ended with the test; on a database that is the shop's already unless told otherwise. */
function start(env: Record<string, string> = {}, options: Omit<ProcessOptions, 'env'> = {}): ShopProcess {
  const shop = new ShopProcess({ ...options, env: { DATABASE_URL: postgres.url, ...env } });
  started.push(shop);
  return shop;
}

/** The time that `count` statements of the shop sleep in the database at this moment, looked at until it is so. */
async function untilWorking(count: number): Promise<void> {
  const client = new pg.Client(postgres.url);
  await client.connect();
  const asleep =
    "select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'";
  while ((await client.query<{ n: number }>(asleep)).rows[0]?.n !== count) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await client.end();
}

/** Sessions of the shop on its database. */
async function sessionsLeft(): Promise<number> {
  const client = new pg.Client(postgres.url);
  await client.connect();
  const left = "select from pg_stat_activity where datname = current_database() and application_name = 'sluice-shop'";
  const { rows } = await client.query(left);
  await client.end();
  return rows.length;
}

describe('with an embedded PostgreSQL', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-shop-test-'));
    // The server may run as another user.
    chmodSync(folder, 0o777);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const startEmbedded = (options: Omit<ProcessOptions, 'env'> = {}): ShopProcess =>
    start({ DATABASE_URL: '', TMPDIR: folder }, options);

  it('serves a checkout, ends with 0 on SIGTERM and leaves nothing behind', async () => {
    const shop = startEmbedded();
    const url = await shop.url();
    expect(await checkOut(url)).toEqual({ status: 201, body: { orderId: 200_001 } });
    shop.kill('SIGTERM');
    expect(await shop.ended).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('ends with 0 on %s in the middle of its start', async (signal) => {
    const shop = startEmbedded();
    await shop.says(/starting an embedded PostgreSQL/);
    shop.kill(signal);
    expect(await shop.ended).toBe(0);
    expect(shop.output).not.toContain('listening');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('starts by "npm start" and ends with 0 on Ctrl-C', async () => {
    const shop = startEmbedded({ command: ['npm', 'start'] });
    await checkOut(await shop.url());
    shop.interruptGroup();
    expect(await shop.ended).toBe(0);
    expect(readdirSync(folder).filter((name) => name.startsWith('sluice-'))).toEqual([]);
  });
});

describe('the end', () => {
  const slow = { SHOP_CHECKOUT_WORK_MS: '700', SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '10000' };

  it.each(['SIGTERM', 'SIGINT'] as const)('on %s answers what is in flight, and then is 0', async (signal) => {
    const shop = start(slow);
    const inFlight = checkOut(await shop.url());
    await untilWorking(1);
    shop.kill(signal);
    expect(await inFlight).toMatchObject({ status: 201 });
    expect(await shop.ended).toBe(0);
  });

  it('DEP-1 fails readiness first and still admits, then ends with 0', async () => {
    const shop = start({ SLUICE_READINESS_DELAY_MS: '600' });
    const url = await shop.url();
    await untilStatus(url, '/readyz', 200);
    const askedAtMs = performance.now();
    shop.kill('SIGTERM');
    await untilStatus(url, '/readyz', 503);
    const whileLeaving = await fetch(`${url}/checkout`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"sku":1,"quantity":1}',
    });
    expect([whileLeaving.status, whileLeaving.headers.get('connection')]).toEqual([201, 'close']);
    expect(await shop.ended).toBe(0);
    expect(performance.now() - askedAtMs).toBeGreaterThanOrEqual(595);
  });

  it('DEP-2 comes when a long checkout is answered, and no session is left', async () => {
    const shop = start({ SHOP_CHECKOUT_WORK_MS: '1500', SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '10000' });
    const inFlight = checkOut(await shop.url());
    await untilWorking(1);
    shop.kill('SIGTERM');
    expect(await inFlight).toMatchObject({ status: 201 });
    expect(await shop.ended).toBe(0);
    expect(await sessionsLeft()).toBe(0);
  });

  it('DEP-3 comes at its bound: what still runs is cancelled on the server and answered, and the code is 0', async () => {
    const shop = start({ SHOP_REPORT_WORK_MS: '60000', SLUICE_DRAIN_TIMEOUT_MS: '1000' });
    const url = await shop.url();
    const inFlight = fetch(`${url}/reports/sales`).then(async (answer) => [answer.status, await answer.json()]);
    await untilWorking(1);
    const askedAtMs = performance.now();
    shop.kill('SIGTERM');
    expect(await inFlight).toMatchObject([503, { outcome: 'rolled_back' }]);
    expect(await shop.ended).toBe(0);
    expect(performance.now() - askedAtMs).toBeGreaterThanOrEqual(995);
    expect(performance.now() - askedAtMs).toBeLessThan(3_000);
    expect(await sessionsLeft()).toBe(0);
  });

  it('takes the two signals of one Ctrl-C for one', async () => {
    const shop = start(slow);
    const inFlight = checkOut(await shop.url());
    await untilWorking(1);
    shop.kill('SIGINT');
    shop.kill('SIGINT');
    expect(await inFlight).toMatchObject({ status: 201 });
    expect(await shop.ended).toBe(0);
  });

  it('comes at once with a second signal: what runs is cancelled and answered, and the code is not 0', async () => {
    const shop = start({ SHOP_REPORT_WORK_MS: '60000', SLUICE_DRAIN_TIMEOUT_MS: '60000' });
    const url = await shop.url();
    const inFlight = fetch(`${url}/reports/sales`).then((answer) => answer.status);
    await untilWorking(1);
    shop.kill('SIGTERM');
    // A later signal than the echo of the first, until one takes effect.
    const again = setInterval(() => shop.kill('SIGTERM'), 250);
    expect(await shop.ended).toBe(143);
    clearInterval(again);
    expect(await inFlight).toBe(503);
    await untilWorking(0);
  });
});

describe('a start that cannot be', () => {
  it('says in one line that the port is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' ? String(address?.port) : '';
    const shop = start({ PORT: port, DATABASE_URL: '' });
    expect(await shop.ended).toBe(1);
    expect(shop.output).toBe(`port ${port} is in use: end what listens there, or set PORT\n`);
    other.close();
  });

  it('names every wrong variable', async () => {
    const shop = start({
      SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: 'soon',
      SLUICE_POOL_CHEKOUT_MAX: '3',
      SLUICE_MODE: 'maybe',
    });
    expect(await shop.ended).toBe(1);
    expect(shop.output).toContain('SLUICE_ROUTE_CHECKOUT_DEADLINE_MS');
    expect(shop.output).toContain('SLUICE_POOL_CHECKOUT_MAX');
    expect(shop.output).toContain('SLUICE_MODE');
    expect(shop.output).not.toMatch(/^\s+at /m);
  });

  it('names its own mistakes and those of the gateway at once', async () => {
    const shop = start({ PORT: 'http', SLUICE_MODE: 'maybe' });
    expect(await shop.ended).toBe(1);
    expect(shop.output).toContain('PORT="http"');
    expect(shop.output).toContain('SLUICE_MODE');
  });

  it('names wrong settings of its own', async () => {
    const shop = start({ PORT: 'http', SHOP_CHECKOUT_WORK_MS: '-1' });
    expect(await shop.ended).toBe(1);
    expect(shop.output).toBe(
      'PORT="http" must be a whole number from 0 to 65535\n' +
        'SHOP_CHECKOUT_WORK_MS="-1" must be a whole number from 0 to 60000\n',
    );
  });

  it('refuses a database that belongs to somebody else', async () => {
    const client = new pg.Client(postgres.url);
    await client.connect();
    await client.query('create database tenant');
    await client.end();
    const databaseUrl = postgres.url.replace(/postgres$/, 'tenant');
    const tenant = new pg.Client(databaseUrl);
    await tenant.connect();
    await tenant.query('create table customers (id int)');
    await tenant.end();
    const shop = start({ DATABASE_URL: databaseUrl });
    expect(await shop.ended).toBe(1);
    expect(shop.output).toMatch(/^the database of DATABASE_URL holds tables that are not the shop's .*\n$/);
  });
});

describe('a database that is down', () => {
  let other: PostgresServer;
  beforeEach(async () => {
    other = await startShopPostgres({ settings: { fsync: 'off' } });
  });
  afterEach(() => other.close());

  it('at the start makes the shop unready until it comes, without a restart', async () => {
    await other.stop();
    const shop = start({ DATABASE_URL: other.url });
    const url = await shop.url();
    await shop.says(/^the database cannot be reached \(.*ECONNREFUSED.*\); not ready until it can, trying again$/m);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    expect(await checkOut(url)).toMatchObject({
      status: 503,
      body: { code: 'database_unavailable', outcome: 'not_started' },
    });
    await other.start();
    await untilStatus(url, '/readyz', 200);
    expect(await checkOut(url)).toMatchObject({ status: 201 });
    expect(shop.output.match(/trying again/g)).toHaveLength(1);
    shop.kill('SIGTERM');
    expect(await shop.ended).toBe(0);
  });

  it('at the start leaves nobody without an answer, however early', async () => {
    // A database that takes connections and says nothing: the start waits for it as long as it ever does.
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const portOf = (server: typeof silent): number => (server.address() as AddressInfo).port;
    const port = portOf(taken);
    taken.close();
    await once(taken, 'close');
    const shop = start({ PORT: String(port), DATABASE_URL: `postgres://u:p@127.0.0.1:${portOf(silent)}/shop` });
    const url = `http://127.0.0.1:${port}`;
    await untilStatus(url, '/healthz', 200);
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    const answer = await fetch(`${url}/products/1`);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^[12]$/)]);
    expect(await answer.json()).toMatchObject({ code: 'database_unavailable', outcome: 'not_started' });
    expect(shop.output).not.toContain('listening');
    await shop.url();
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    silent.close();
  });

  it('for good still lets the shop end with 0', async () => {
    await other.stop();
    const shop = start({ DATABASE_URL: other.url });
    await shop.url();
    shop.kill('SIGTERM');
    expect(await shop.ended).toBe(0);
  });

  it('and turns out to be somebody else’s ends the shop with 1', async () => {
    const client = new pg.Client(other.url);
    await client.connect();
    await client.query('create table customers (id int)');
    await client.end();
    await other.stop();
    const shop = start({ DATABASE_URL: other.url });
    await shop.url();
    await other.start();
    expect(await shop.ended).toBe(1);
    expect(shop.output).toContain('"public.customers"');
  });
});

describe('the environment', () => {
  it('tunes the rate limit, and mode off lifts it', async () => {
    const tight = { SLUICE_ROUTE_CHECKOUT_RATE_PER_SECOND: '0.01', SLUICE_ROUTE_CHECKOUT_BURST: '2' };
    const statuses = async (env: Record<string, string>): Promise<number[]> => {
      const url = await start(env).url();
      const answers = [await checkOut(url), await checkOut(url), await checkOut(url)];
      return answers.map((answer) => answer.status);
    };
    expect(await statuses(tight)).toEqual([201, 201, 429]);
    expect(await statuses({ ...tight, SLUICE_MODE: 'off' })).toEqual([201, 201, 201]);
    expect(await statuses({ ...tight, SLUICE_MODE: 'observe' })).toEqual([201, 201, 201]);
  });

  it('shortens the deadline, and the work counts against it', async () => {
    const url = await start({ SHOP_CHECKOUT_WORK_MS: '5000', SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '150' }).url();
    expect(await checkOut(url)).toMatchObject({ status: 504, body: { code: 'deadline_expired' } });
    await untilWorking(0);
  });
});
