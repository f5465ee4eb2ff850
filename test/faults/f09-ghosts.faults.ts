import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { Snapshot } from '../../src/telemetry/snapshot.js';
import { ask } from '../integration/pools/pool-fixture.js';
import { checkOut, ShopProcess } from '../integration/shop/shop-process.js';
import { type PostgresServer, startPostgres } from '../support/postgres.js';
import { CAN_FILTER, Firewall } from './firewall.js';
import { describeFault } from './repetitions.js';
import { lasts, until } from './until.js';

// F9: a shop dies, and the server does not hear of it. The shop is a process of its own, because it has to die.

/** Of a role in a database that ends with its test. */
const PASSWORD = 'ghosts';

let postgres: PostgresServer;
const shops: ShopProcess[] = [];
const firewall = new Firewall();

beforeAll(async () => {
  // One shop and the reserve fit; a ghost of another does not.
  postgres = await startPostgres({ settings: { fsync: 'off', max_connections: '40' } });
  await ask(postgres.url, `CREATE ROLE app LOGIN PASSWORD '${PASSWORD}'`);
  await ask(postgres.url, 'GRANT ALL ON SCHEMA public TO app');
});
afterEach(async () => {
  firewall.lift();
  for (const shop of shops.splice(0)) await shop.destroy();
  await until(async () => (await sessions('sluice-%')).length === 0);
});
afterAll(() => postgres.close());

async function start(name: string, workMs: number): Promise<{ readonly shop: ShopProcess; readonly url: string }> {
  const url = new URL(postgres.url);
  url.username = 'app';
  url.password = PASSWORD;
  // The ten seconds of the pools are too long for a test; who sets them otherwise has the last word.
  url.searchParams.set('options', '-c tcp_keepalives_idle=2 -c tcp_user_timeout=4000');
  const env = {
    DATABASE_URL: url.href,
    SHOP_CHECKOUT_WORK_MS: String(workMs),
    SLUICE_APPLICATION_NAME: name,
    SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '30000',
  };
  const shop = new ShopProcess({ env });
  shops.push(shop);
  return { shop, url: await shop.url() };
}

interface ServerSession {
  readonly pid: number;
  readonly port: number;
  readonly state: string;
}

function sessions(name: string): Promise<ServerSession[]> {
  return ask<ServerSession>(
    postgres.url,
    'SELECT pid, client_port AS port, state FROM pg_stat_activity WHERE application_name LIKE $1',
    [name],
  );
}

/** A shop that holds so many connections with checkouts that take a minute, and is killed with them under way. */
async function killBusy(name: string, cut: (ports: readonly number[]) => void): Promise<ServerSession[]> {
  const { shop, url } = await start(name, 60_000);
  const heard = Array.from({ length: 14 }, () => checkOut(url).catch(() => 'nothing'));
  const busy = async (): Promise<boolean> =>
    (await sessions(name)).filter(({ state }) => state === 'active').length === 14;
  await until(busy);
  const ghosts = await sessions(name);
  cut(ghosts.map(({ port }) => port));
  shop.kill('SIGKILL');
  await shop.ended;
  expect(new Set(await Promise.all(heard))).toEqual(new Set(['nothing']));
  return ghosts;
}

async function gone(name: string, limitMs: number): Promise<void> {
  await until(async () => (await sessions(name)).length === 0, limitMs);
}

describeFault('F9: a shop is killed while its statements run', () => {
  it('the network lives on: its sessions and statements end within a second', async () => {
    await killBusy('sluice-first', () => undefined);
    await gone('sluice-first', 1_500);
  });

  if (CAN_FILTER) {
    it('iptables drops all of its packets: another goes on with what is left, says so, and the ghosts go in seconds', async () => {
      const { shop, url } = await start('sluice-second', 50);
      const ghosts = await killBusy('sluice-first', (ports) => firewall.set('DROP', postgres.port, ports));
      await lasts(1_000);
      expect((await sessions('sluice-first')).length).toBe(ghosts.length);
      const answers = await Promise.all(Array.from({ length: 24 }, () => checkOut(url)));
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
      await shop.says(/database_connections_exhausted|no further connection can be opened/);
      await gone('sluice-first', 8_000);
      const snapshot = (await (await fetch(`${url}/sluice/snapshot.json`)).json()) as Snapshot;
      expect(snapshot.pools.map(({ seats }) => seats.inFlight)).toEqual([0, 0, 0, 0]);
      shop.kill('SIGTERM');
      expect(await shop.ended).toBe(0);
    });
  }
});
