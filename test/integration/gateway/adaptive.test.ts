import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Clock, Timer } from '../../../src/clock.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { ask } from '../pools/pool-fixture.js';
import { JumpClock } from './jump-clock.js';
import { BusyGateway, eventually } from './seat-tuning.js';

const SEATS = 16;
const CALLERS = 48;
/** After what was in vain as long as here another try comes sooner; and without any work all is forgotten later. */
const PATIENCE_MS = 25_000;

/** Counts how often somebody wants to look again in a tenth of a second. */
class TickingClock extends JumpClock {
  ticks = 0;

  override after(delayMs: number, run: () => void): Timer {
    if (delayMs === 100) this.ticks++;
    return super.after(delayMs, run);
  }
}

let postgres: PostgresServer;
let busy: BusyGateway;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off', synchronous_commit: 'off', autovacuum: 'off' } });
  await ask(postgres.url, 'CREATE TABLE counters (id int PRIMARY KEY, hits bigint NOT NULL) WITH (fillfactor = 10)');
  await ask(postgres.url, 'INSERT INTO counters VALUES (1, 0)');
});
afterAll(() => postgres.close());
afterEach(() => busy.close());

async function open(
  pool: { max?: number; minSeats?: number; lockTimeoutMs?: number } = {},
  clock?: Clock,
): Promise<void> {
  const options = {
    pools: {
      main: {
        url: postgres.url,
        max: SEATS,
        minIdle: pool.max ?? SEATS,
        minSeats: 1,
        adaptive: true,
        breaker: false,
        ...pool,
      },
    },
    routes: { work: { pool: 'main', deadlineMs: 60_000 } },
  };
  busy = await BusyGateway.open(options, clock);
}

const seats = () => busy.seats('main');

describe('a pool whose concurrency limit adapts', () => {
  it('ends with few seats where all want the same row', async () => {
    await open();
    busy.call('work', CALLERS, (handle) =>
      handle.transaction(async (client) => {
        await client.query('UPDATE counters SET hits = hits + 1 WHERE id = 1');
        await client.query('SELECT count(*) FROM generate_series(1, 300)');
      }),
    );
    await eventually(() => seats().limit <= 4);
    expect(seats().max).toBe(SEATS);
    // What is lent follows: the seats are the only way to a connection.
    await eventually(() => busy.gateway.snapshot().pools.every(({ connections }) => connections.inUse <= 4));
  });

  it('tries fewer seats for work that sleeps, sees what it costs, and takes it back', async () => {
    await open();
    busy.call('work', CALLERS, (handle) => handle.query('SELECT pg_sleep(0.02)'));
    await eventually(() => seats().tuning?.reason === 'trial_failed');
    expect(seats().limit).toBe(SEATS);
  });

  it('learns what is quiet from requests that had the pool to themselves', async () => {
    await open();
    expect(seats()).toMatchObject({ limit: SEATS, tuning: { reason: 'start', quietHoldMs: {} } });
    busy.call('work', 1, (handle) => handle.query('SELECT pg_sleep(0.005)'));
    await eventually(() => (seats().tuning?.quietHoldMs.work ?? 0) >= 5);
    expect(seats().limit).toBe(SEATS);
  });

  it('takes fast constant timeouts for strain, and comes back after them', async () => {
    const clock = new JumpClock();
    await open({ max: 6, minSeats: 3, lockTimeoutMs: 10 }, clock);
    const read = () =>
      busy.call('work', CALLERS, (handle) => handle.query('SELECT hits FROM counters, pg_sleep(0.005)'));
    const locker = new pg.Client({ connectionString: postgres.url });
    await locker.connect();
    try {
      await locker.query('BEGIN');
      await locker.query('LOCK TABLE counters');
      read();
      await eventually(() => seats().limit === 3 && seats().tuning?.reason === 'strain');
      await locker.query('ROLLBACK');
      await busy.stop();
      clock.jump(PATIENCE_MS);
      read();
      await eventually(() => seats().limit > 3);
    } finally {
      await locker.end();
    }
  });
});

it('stops looking when the pool is closed', async () => {
  const clock = new TickingClock();
  const pools = { main: { url: postgres.url, max: 2, adaptive: true } };
  busy = await BusyGateway.open({ pools, routes: { work: { pool: 'main' } } }, clock);
  await eventually(() => clock.ticks > 2);
  await busy.close();
  clock.jump(1_000);
  await new Promise<void>((resolve) => clock.after(0, resolve));
  const { ticks } = clock;
  clock.jump(1_000);
  await new Promise<void>((resolve) => clock.after(0, resolve));
  expect(clock.ticks).toBe(ticks);
});

describe('a pool whose concurrency limit does not adapt', () => {
  it('has nothing that could change it', async () => {
    busy = await BusyGateway.open({
      pools: { main: { url: postgres.url, max: 2 } },
      routes: { work: { pool: 'main' } },
    });
    expect(seats()).toMatchObject({ limit: 2, max: 2, tuning: null });
    expect(busy.gateway.entry('work').runtime.pool).toMatchObject({ tuning: undefined, onLoanEnd: undefined });
  });

  it('nor has one in a mode that enforces nothing', async () => {
    busy = await BusyGateway.open({
      mode: 'observe',
      pools: {
        main: { url: postgres.url, max: 2, adaptive: true },
        other: { url: postgres.url, max: 2, yieldsTo: 'main' },
      },
      routes: { work: { pool: 'main' } },
    });
    expect(seats().tuning).toBeNull();
    expect(busy.gateway.entry('work').runtime.pool).toMatchObject({ tuning: undefined, onLoanEnd: undefined });
  });
});
