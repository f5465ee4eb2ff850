import { protect } from 'sluice/express';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Latch, latch } from '../integration/http/harness.js';
import { ask } from '../integration/pools/pool-fixture.js';
import { type PostgresServer, startPostgres } from '../support/postgres.js';
import { type FaultApp, startFaultApp } from './fault-app.js';
import { describeFault } from './repetitions.js';
import { until } from './until.js';

// F19: a handler opens a transaction and waits for something else, so that its locks and its session are held for
// nothing. Either the deadline takes them from it, or the server does.

const SERVER_LIMIT_MS = 250;

let postgres: PostgresServer;
let app: FaultApp;
let elsewhere: Latch;

beforeAll(async () => {
  postgres = await startPostgres({
    settings: { fsync: 'off', idle_in_transaction_session_timeout: String(SERVER_LIMIT_MS) },
  });
  await ask(postgres.url, 'CREATE TABLE stock (id integer PRIMARY KEY, amount integer NOT NULL)');
  await ask(postgres.url, 'INSERT INTO stock VALUES (1, 10)');
  app = await startFaultApp(
    {
      url: postgres.url,
      pools: { main: { max: 2, minIdle: 2 } },
      routes: {
        brief: { pool: 'main', deadlineMs: 150 },
        patient: { pool: 'main', deadlineMs: 5_000 },
        forgetful: { pool: 'main', deadlineMs: 200 },
      },
    },
    (express, gateway) => {
      for (const name of ['brief', 'patient']) {
        express.get(
          `/${name}`,
          protect(gateway, name, {}, async (req, res) => {
            await req.sluice.transaction(async (client) => {
              await client.query('UPDATE stock SET amount = amount - 1 WHERE id = 1');
              await elsewhere.promise;
              await client.query('SELECT 1');
            });
            res.json({});
          }),
        );
      }
      express.get(
        '/forgetful',
        protect(gateway, 'forgetful', {}, async (req, res) => {
          const client = await req.sluice.connect();
          await client.query('BEGIN');
          await client.query('UPDATE stock SET amount = amount - 1 WHERE id = 1');
          res.json({});
        }),
      );
      express.get(
        '/next',
        protect(gateway, 'patient', {}, async (req, res) => {
          res.json((await req.sluice.query('UPDATE stock SET amount = amount WHERE id = 1 RETURNING amount')).rows[0]);
        }),
      );
    },
  );
});
afterAll(async () => {
  await app.close();
  await postgres.close();
});
beforeEach(() => {
  elsewhere = latch();
});

const pool = () => [...app.gateway.telemetry().pools()][0];
const gauges = () => pool()?.gauges();

async function idleInTransaction(): Promise<number> {
  const rows = await ask(
    postgres.url,
    "SELECT 1 FROM pg_stat_activity WHERE application_name = 'sluice-shop' AND state = 'idle in transaction'",
  );
  return rows.length;
}

/** The row is free again, and untouched. */
async function expectUntouched(): Promise<void> {
  const { status, body, ms } = await app.send('/next');
  expect({ status, body }).toEqual({ status: 200, body: { amount: 10 } });
  expect(ms).toBeLessThan(1_000);
}

describeFault('F19: a handler waits for something else with a transaction open', () => {
  it('beyond its deadline: its session is taken from it then, rolled back, and lent again', async () => {
    await until(() => gauges()?.total === 2);
    const opened = gauges()?.opened;
    const answer = app.send('/brief');
    await until(async () => (await idleInTransaction()) === 1);
    const { status, body, ms } = await answer;
    expect({ status, code: body.code, outcome: body.outcome }).toEqual({
      status: 504,
      code: 'deadline_expired',
      outcome: 'rolled_back',
    });
    expect(ms).toBeLessThan(1_000);
    // The handler waits still.
    await until(() => app.stats('brief').inFlight === 0);
    await expectUntouched();
    expect(gauges()?.opened).toBe(opened);
    elsewhere.open();
    await app.expectAtRest();
  });

  it('beyond the limit of the server: its request is told, and the other sessions are in no doubt', async () => {
    const before = gauges();
    const answer = app.send('/patient');
    await until(async () => (await idleInTransaction()) === 1);
    await until(() => gauges()?.lost === (before?.lost ?? 0) + 1);
    expect(pool()?.state).toBe('up');
    await expectUntouched();
    elsewhere.open();
    const { status, body } = await answer;
    expect({ status, code: body.code, outcome: body.outcome }).toEqual({
      status: 503,
      code: 'connection_lost',
      outcome: 'rolled_back',
    });
    expect(app.log.of('database_unreachable')).toEqual([]);
    await app.expectAtRest();
  });

  it('and answers without giving it back: it is taken back, told of once by name, and counted', async () => {
    for (let times = 1; times <= 2; times += 1) {
      expect((await app.send('/forgetful')).status).toBe(200);
      await until(() => app.stats('forgetful').inFlight === 0);
      await expectUntouched();
      expect(app.stats('forgetful').keptConnections).toBe(times);
    }
    expect(app.log.of('connection_not_returned')).toEqual([
      expect.stringMatching(/route "forgetful" answered and kept a connection/),
    ]);
    await app.expectAtRest();
  });
});
