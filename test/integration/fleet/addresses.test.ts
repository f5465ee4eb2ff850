import { BookKeeper, createGateway, type Gateway, type PoolOptions } from 'sluice';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import { until } from '../../faults/until.js';
import { type PgbouncerServer, startPgbouncer } from '../../support/pgbouncer-server.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { LogBook } from '../http/harness.js';
import { ask } from '../pools/pool-fixture.js';
import { SessionCount } from './session-count.js';

// One server has many addresses, and poolers in front of it: a fleet counts it once. Of 20 connections PostgreSQL gives
// 17 to ordinary users, and 3 stay free.

const ROOM = 14;
const NAME = 'sluice-addresses';

let postgres: PostgresServer;
let book: BookKeeper;
let sessions: SessionCount;
const gateways: Gateway[] = [];

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off', max_connections: '20' } });
  await ask(postgres.url, "CREATE ROLE app LOGIN PASSWORD 'app'");
});
beforeEach(async () => {
  book = new BookKeeper(systemClock);
  sessions = await SessionCount.start(postgres.url, NAME);
});
const end = async (): Promise<void> => {
  await Promise.all(gateways.splice(0).map((gateway) => gateway.drain({ timeoutMs: 0 })));
};
afterEach(async () => {
  await end();
  await sessions.stop();
});
afterAll(() => postgres.close());

const at = (host: string, port = postgres.port, database = 'postgres'): string =>
  `postgres://app:app@${host}:${port}/${database}`;

async function join(pools: Readonly<Record<string, PoolOptions>>): Promise<Gateway> {
  const [pool = ''] = Object.keys(pools);
  const gateway = await createGateway(
    { applicationName: NAME, readinessDelayMs: 0, maxEventLoopLagMs: 0, pools, routes: { work: { pool } } },
    { env: {}, logger: new LogBook(), registry: book },
  );
  gateways.push(gateway);
  return gateway;
}

/** What the pools of each instance may open now. */
const sizes = (): number[][] =>
  gateways.map((gateway) => [...gateway.telemetry().pools()].map((pool) => pool.gauges().max));

const untilSizes = (...expected: number[][]): Promise<void> =>
  until(() => JSON.stringify(sizes()) === JSON.stringify(expected));

const full = (host: string, max: number): PoolOptions => ({ url: at(host), max, minIdle: max });

it('counts a server once that two instances name by two addresses', async () => {
  await join({ main: full('127.0.0.1', 10) });
  await untilSizes([10]);
  await join({ main: full('localhost', 10) });
  await untilSizes([7], [7]);
  await until(() => sessions.present === ROOM);
  // A third that knows only one of the addresses is in the same book.
  await join({ main: full('127.0.0.1', 10) });
  await untilSizes([4], [4], [4]);
  expect(sessions.most).toBeLessThanOrEqual(ROOM);
});

it('counts it once where one instance has pools by both addresses', async () => {
  await join({ main: full('127.0.0.1', 5), side: full('localhost', 5) });
  await untilSizes([5, 5]);
  await join({ other: full('localhost', 10) });
  await untilSizes([4, 3], [7]);
  await until(() => sessions.present === ROOM);
  expect(sessions.most).toBeLessThanOrEqual(ROOM);
});

describe('beside another server', () => {
  let other: PostgresServer;
  beforeEach(async () => {
    other = await startPostgres({ settings: { fsync: 'off', max_connections: '20' } });
    await ask(other.url, "CREATE ROLE app LOGIN PASSWORD 'app'");
  });
  afterEach(async () => {
    await end();
    await other.close();
  });
  const there = (host: string): PoolOptions => ({ url: at(host, other.port), max: 10, minIdle: 10 });

  it('takes two servers for two', async () => {
    await join({ main: full('127.0.0.1', 10) });
    await join({ main: there('127.0.0.1') });
    await untilSizes([10], [10]);
  });

  it('knows one again that was restarted, by another address, too', async () => {
    await join({ main: there('127.0.0.1') });
    await untilSizes([10]);
    await other.restart();
    await join({ main: there('localhost') });
    await untilSizes([7], [7]);
  });
});

it('leaves free what two poolers before one server may open, once for all instances', async () => {
  const pooler = (size: number): Promise<PgbouncerServer> =>
    startPgbouncer({
      databases: [`behind = host=localhost port=${postgres.port} dbname=postgres pool_size=${size}`],
      users: { app: 'app' },
    });
  const poolers = await Promise.all([pooler(3), pooler(4)]);
  try {
    const through = ({ port, adminUrl }: PgbouncerServer): PoolOptions => ({
      url: at('127.0.0.1', port, 'behind'),
      poolerAdminUrl: adminUrl,
      pooler: 'pgbouncer',
      max: 2,
      minIdle: 2,
    });
    const [one, other] = poolers as [PgbouncerServer, PgbouncerServer];
    const pools = { one: through(one), other: through(other) };
    await join({ direct: full('127.0.0.1', 7), ...pools });
    // 14 less 3 and 4.
    await untilSizes([7, 2, 2]);
    await join({ direct: full('localhost', 7), ...pools });
    await untilSizes([3, 2, 2], [3, 2, 2]);
    for (const gateway of gateways) expect(gateway.readiness()).toEqual({ ready: true, reasons: [] });
  } finally {
    await end();
    await Promise.all(poolers.map((each) => each.close()));
  }
});
