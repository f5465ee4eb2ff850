import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { ask } from '../integration/pools/pool-fixture.js';
import type { StreamPlan } from '../load/plan.js';
import { checkoutStream, failures } from './calls.js';
import { type FaultShop, NOISE, startFaultShop, urlThrough } from './fault-shop.js';
import { UNBOUNDED } from './outage.js';
import { describeFault } from './repetitions.js';
import { until } from './until.js';

// F13, F15 and F16: the server has no room for more connections, or does not accept their login any more.

/** Every password of this file begins so, and nothing else does. */
const SECRET = 'Hx4secret';

let shop: FaultShop;
const others: pg.Client[] = [];

beforeAll(async () => {
  const env = {
    ...UNBOUNDED.env,
    // What a burst opened is gone soon after it, so that the next one wants it again.
    SLUICE_POOL_CHECKOUT_IDLE_TIMEOUT_MS: '200',
  };
  shop = await startFaultShop({
    ...UNBOUNDED,
    env,
    relayed: true,
    settings: { max_connections: '40' },
    arrange: async (server, relay) => {
      for (const user of ['old_app', 'new_app', 'filler']) {
        await ask(
          server.url,
          `CREATE ROLE ${user} LOGIN PASSWORD '${SECRET}' IN ROLE pg_read_all_data, pg_write_all_data`,
        );
      }
      if (relay === undefined) throw new Error('this shop has a relay');
      return { SLUICE_POOL_CHECKOUT_URL: urlThrough(urlOf(server.url, 'old_app'), relay) };
    },
  });
});
beforeEach(() => until(() => shop.pool('checkout').gauges().total === 2));
afterEach(async () => {
  shop.relay.firstAnswerDelayMs = 0;
  await Promise.all(others.splice(0).map((client) => client.end()));
  await shop.expectAtRest();
  expect(JSON.stringify([shop.log.entries, shop.gateway.snapshot(), shop.gateway.config])).not.toContain(SECRET);
});
afterAll(() => shop.close());

function urlOf(url: string, user: string): string {
  const other = new URL(url);
  other.username = user;
  other.password = SECRET;
  return other.href;
}

const sql = (text: string): Promise<object[]> => ask(shop.postgres.url, text);
const gauges = (): ReturnType<ReturnType<typeof shop.pool>['gauges']> => shop.pool('checkout').gauges();

/** Orders that an operator looks up meanwhile. */
const lookUps: StreamPlan = {
  name: 'order',
  method: 'GET',
  path: '/admin/orders/{{int 1 1000}}',
  arrivals: { kind: 'uniform', ratePerSecond: 20 },
  deadlineMs: 2_000,
  unansweredAfterMs: 15_000,
};

/** Eight checkouts at once, which want more connections than there are, beside a few that come all the time. */
async function burst(): Promise<void> {
  const { of } = await shop.load(1_300, [
    checkoutStream('usual', 20),
    checkoutStream('burst', 1_000, { arrivals: { kind: 'uniform', ratePerSecond: 1_000, fromMs: 300, toMs: 308 } }),
    lookUps,
  ]);
  for (const name of ['usual', 'burst', 'order']) expect(failures(of(name)), name).toEqual({});
}

describeFault('F13: no room for more connections', () => {
  const ways = [
    {
      what: 'the role has as many as it may',
      begin: () => sql('ALTER ROLE old_app CONNECTION LIMIT 3'),
      end: () => sql('ALTER ROLE old_app CONNECTION LIMIT -1'),
      room: 3,
    },
    {
      what: 'the server is full',
      begin: fillUp,
      end: () => Promise.all(others.splice(0).map((client) => client.end())),
      room: 2,
    },
  ];

  it.each(ways)(
    '$what: what is open serves, growth is tried now and then, and an operator gets in',
    NOISE,
    async (way) => {
      const warnings = shop.log.of('database_connections_exhausted').length;
      const before = gauges().connectFailures;
      await way.begin();
      await burst();
      expect(gauges().granted).toBe(way.room);
      expect(shop.pool('checkout').seats.limit).toBe(way.room);
      // Of those at the same time four are refused at first; then one after half a second, and after one.
      expect(gauges().connectFailures - before).toBeGreaterThanOrEqual(1);
      expect(gauges().connectFailures - before).toBeLessThanOrEqual(4 + 3);
      // Told once, until everything is granted again.
      expect(shop.log.of('database_connections_exhausted').length).toBe(Math.max(1, warnings));
      await way.end();
      for (let bursts = 0; gauges().granted === way.room && bursts < 3; bursts += 1) await burst();
      expect(gauges().granted).toBeGreaterThan(way.room);
      expect(shop.pool('checkout').seats.limit).toBe(gauges().granted);
    },
  );
});

/** Takes every connection that the server gives to ordinary users. */
async function fillUp(): Promise<void> {
  for (;;) {
    const client = new pg.Client({ connectionString: urlOf(shop.postgres.url, 'filler') });
    client.on('error', () => undefined);
    try {
      await client.connect();
    } catch {
      return;
    }
    others.push(client);
  }
}

describeFault('F15: the server does not accept the login any more', () => {
  const ways = [
    {
      what: 'its password was changed',
      begin: () => sql(`ALTER ROLE old_app PASSWORD '${SECRET}2'`),
      end: () => shop.gateway.rotate('checkout', { password: `${SECRET}2` }),
      back: async () => {
        await sql(`ALTER ROLE old_app PASSWORD '${SECRET}'`);
        await shop.gateway.rotate('checkout', { password: SECRET });
      },
    },
    {
      what: 'its role may not log in',
      begin: () => sql('ALTER ROLE old_app NOLOGIN'),
      end: () => sql('ALTER ROLE old_app LOGIN'),
      back: async () => undefined,
    },
  ];

  it.each(ways)(
    '$what: what is open serves, and the server is asked ever more rarely',
    NOISE,
    async ({ begin, end, back }) => {
      const warnings = shop.log.of('database_credentials_refused').length;
      const before = gauges();
      await begin();
      try {
        await burst();
        const after = gauges();
        expect(after).toMatchObject({ state: 'up', opened: before.opened, lost: before.lost });
        // After 20 ms, 40, 80 and so on up to a second, each shortened by up to a half.
        expect(after.connectFailures - before.connectFailures).toBeGreaterThanOrEqual(1);
        expect(after.connectFailures - before.connectFailures).toBeLessThanOrEqual(4 + 8);
        expect(shop.log.of('database_credentials_refused').length - warnings).toBe(1);
        await end();
        await burst();
        expect(gauges().opened).toBeGreaterThan(after.opened);
      } finally {
        await back();
      }
    },
  );
});

/** Who is logged in for checkouts. */
async function users(): Promise<string[]> {
  const rows = await ask<{ name: string }>(
    shop.postgres.url,
    `SELECT DISTINCT usename::text AS name FROM pg_stat_activity
      WHERE application_name = 'sluice-shop' AND usename <> 'postgres'`,
  );
  return rows.map(({ name }) => name);
}

describeFault('F16: a login is changed while connections are being opened with it', () => {
  it('they serve nobody, nobody fails, and none of them is left', NOISE, async () => {
    shop.relay.firstAnswerDelayMs = 600;
    const bursting = burst();
    await until(() => gauges().connecting > 0);
    const { opened } = gauges();
    await shop.gateway.rotate('checkout', { user: 'new_app', password: SECRET });
    await until(async () => (await users()).join() === 'new_app');
    await bursting;
    expect(gauges().opened).toBeGreaterThan(opened);
    shop.relay.firstAnswerDelayMs = 0;
    await shop.gateway.rotate('checkout', { user: 'old_app', password: SECRET });
  });
});
