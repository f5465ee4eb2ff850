import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { latch } from '../http/harness.js';
import { ask } from '../pools/pool-fixture.js';
import { JumpClock } from './jump-clock.js';
import { BusyGateway, eventually } from './seat-tuning.js';

const SEATS = 8;

let postgres: PostgresServer;
let busy: BusyGateway;
let clock: JumpClock;

beforeAll(async () => {
  const settings = { fsync: 'off', synchronous_commit: 'off', max_parallel_workers_per_gather: '0', jit: 'off' };
  postgres = await startPostgres({ settings });
  await ask(postgres.url, 'CREATE TABLE stock (sku int PRIMARY KEY, quantity int NOT NULL) WITH (fillfactor = 50)');
  await ask(postgres.url, 'INSERT INTO stock SELECT sku, 1000000 FROM generate_series(1, 100) sku');
  await ask(
    postgres.url,
    'CREATE TABLE sold AS SELECT n % 365 AS day, n % 97 AS price FROM generate_series(1, 100000) n',
  );
});
afterAll(() => postgres.close());
afterEach(() => busy.close());

async function open(targetMs?: number): Promise<void> {
  const { url } = postgres;
  clock = new JumpClock();
  busy = await BusyGateway.open(
    {
      pools: {
        checkout: { url, max: 16, minIdle: 4 },
        reports: { url, max: SEATS, minIdle: SEATS, yieldsTo: 'checkout', targetMs },
      },
      routes: {
        checkout: { pool: 'checkout', priority: 'critical', deadlineMs: 3_600_000 },
        report: { pool: 'reports', priority: 'low', deadlineMs: 3_600_000 },
      },
    },
    clock,
  );
}

let sku = 0;
function checkouts(callers: number): void {
  busy.call('checkout', callers, (handle) =>
    handle.transaction(async (client) => {
      sku = (sku % 100) + 1;
      await client.query('UPDATE stock SET quantity = quantity - 1 WHERE sku = $1', [sku]);
      await client.query('SELECT pg_sleep(0.002)');
    }),
  );
}

function reports(callers: number): void {
  busy.call('report', callers, (handle) =>
    handle.query('SELECT day, count(*), sum(price), max(md5(price::text)) FROM sold GROUP BY day'),
  );
}

const seats = () => busy.seats('reports');

describe('a pool that yields', () => {
  it('gives seats up while the other misses its target, and gets them back afterwards', async () => {
    await open(5);
    reports(12);
    await eventually(() => seats().inFlight === SEATS);
    expect(seats()).toMatchObject({ limit: SEATS, max: SEATS, tuning: { reason: 'start', targetMs: 5 } });
    checkouts(4);
    await eventually(() => seats().limit < SEATS);
    expect(seats().tuning?.reason).toBe('yielding');
    // Two cores cannot keep 5 ms beside any number of reports, so all are given up but what the pool keeps.
    await eventually(() => seats().limit === 2 && seats().inFlight <= 2);
    await busy.stop();
    for (let limit = 3; limit <= SEATS; limit++) {
      clock.jump(32_000);
      await eventually(() => seats().limit >= limit);
      expect(seats().limit).toBe(limit);
    }
    expect(seats().tuning?.reason).toBe('returning');
  });

  it('hands a seat that comes back to whoever waits, though nobody else leaves', async () => {
    await open(1);
    const holds = Array.from({ length: SEATS }, () => latch());
    const held = holds.map((hold) => busy.gateway.run('report', () => hold.promise));
    checkouts(2);
    const fallen = async (limit: number): Promise<void> => {
      await eventually(() => {
        // Nobody leaves the seats that were given up, so each step waits for its time.
        clock.jump(100);
        return seats().limit <= limit;
      });
    };
    await fallen(2);
    await busy.stop();
    for (const hold of holds.slice(2)) hold.open();
    await Promise.all(held.slice(2));
    let begun = false;
    const waiting = busy.gateway.run('report', async () => {
      begun = true;
    });
    expect(seats()).toMatchObject({ limit: 2, inFlight: 2, queuedByClass: { low: 1 } });
    clock.jump(40_000);
    await eventually(() => begun);
    for (const hold of holds) hold.open();
    await Promise.all([...held, waiting]);
  });

  it('takes twice the quiet database time for the target, and makes room to measure it', async () => {
    await open();
    reports(12);
    await eventually(() => seats().inFlight === SEATS);
    checkouts(2);
    await eventually(() => seats().tuning?.reason === 'measuring');
    await eventually(() => seats().tuning?.targetMs != null);
    const { targetMs, quietDatabaseMs } = seats().tuning ?? {};
    expect(quietDatabaseMs).toBeGreaterThan(2);
    expect(targetMs).toBe(2 * (quietDatabaseMs ?? 0));
  });

  it('keeps all its seats while the other has nothing to do', async () => {
    await open(1);
    reports(12);
    await eventually(() => busy.gateway.snapshot().routes.some(({ name, ended }) => name === 'report' && ended > 50));
    expect(seats()).toMatchObject({ limit: SEATS, tuning: { reason: 'start' } });
  });
});
