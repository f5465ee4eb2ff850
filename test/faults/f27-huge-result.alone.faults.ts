import { once } from 'node:events';
import { protect } from 'sluice/express';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ResultTooLargeError } from '../../src/pools/contract.js';
import { ask } from '../integration/pools/pool-fixture.js';
import { type PostgresServer, startPostgres } from '../support/postgres.js';
import { type FaultApp, startFaultApp } from './fault-app.js';
import { NOISE } from './fault-shop.js';
import { heapInUse } from './invariants.js';
import { describeFault } from './repetitions.js';
import { until } from './until.js';

// F27: a statement answers with far more than a process can keep.

const MIB = 1_024 * 1_024;
const BOUND = 16 * MIB;
const ROWS = 150_000;
/** About 150 MB in rows of a kilobyte. */
const HUGE = `SELECT repeat('x', 1000) AS filler FROM generate_series(1, ${ROWS})`;

let postgres: PostgresServer;
let app: FaultApp;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
  await ask(postgres.url, 'CREATE TABLE kept (id integer)');
  app = await startFaultApp(
    {
      url: postgres.url,
      pools: { main: { max: 2, minIdle: 2, maxResultBytes: BOUND }, boundless: { max: 1, maxResultBytes: 0 } },
      routes: {
        huge: { pool: 'main' },
        small: { pool: 'main', deadlineMs: 1_000 },
        boundless: { pool: 'boundless' },
        stream: { pool: 'main', stream: true },
      },
    },
    (express, gateway) => {
      for (const name of ['huge', 'boundless']) {
        express.get(
          `/${name}`,
          protect(gateway, name, {}, async (req, res) => {
            const { rowCount } = await req.sluice.query(String(req.query.sql ?? HUGE));
            res.json({ rowCount });
          }),
        );
      }
      express.get(
        '/handled',
        protect(gateway, 'huge', {}, async (req, res) => {
          try {
            await req.sluice.transaction(async (client) => {
              await client.query('INSERT INTO kept VALUES (1)');
              await client.query(HUGE);
            });
          } catch (error) {
            if (!(error instanceof ResultTooLargeError)) throw error;
            res.status(422).json({ message: error.message });
          }
        }),
      );
      express.get(
        '/small',
        protect(gateway, 'small', {}, async (req, res) => {
          res.json((await req.sluice.query('SELECT 1 AS one')).rows[0]);
        }),
      );
      express.get(
        '/stream',
        protect(gateway, 'stream', {}, async (req, res) => {
          await req.sluice.transaction(async (client) => {
            await client.query(`DECLARE piece CURSOR FOR ${HUGE}`);
            for (;;) {
              const { rows } = await client.query<{ filler: string }>('FETCH 1000 FROM piece');
              if (rows.length === 0) break;
              // A reader that is slower than the database is waited for.
              if (!res.write(rows.map(({ filler }) => filler).join(''))) await once(res, 'drain');
            }
          });
          res.end();
        }),
      );
    },
  );
  for (const path of ['/small', '/boundless?sql=SELECT+1']) expect((await app.send(path)).status).toBe(200);
});
afterAll(async () => {
  await app.close();
  await postgres.close();
});

/** How far the memory of this process grows while something runs, in bytes. */
async function growthWhile(work: () => Promise<unknown>): Promise<number> {
  const used = (): number => {
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const before = heapInUse();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, used());
  }, 1);
  await work().finally(() => clearInterval(timer));
  const growth = Math.max(most, used()) - before;
  // Buffers come free some rounds after nobody needs them any more.
  await until(() => heapInUse() - before < 8 * MIB);
  return growth;
}

async function statements(): Promise<unknown[]> {
  return ask(
    postgres.url,
    "SELECT query FROM pg_stat_activity WHERE state <> 'idle' AND application_name = 'sluice-shop'",
  );
}

describeFault('F27: a result of 150 MB', () => {
  it.each([
    ['in many rows', HUGE],
    ['in one value', "SELECT repeat('x', 150000000) AS filler"],
  ])('%s: ends at its bound, and others go on', NOISE, async (_, sql) => {
    const failures = app.unexpected.length;
    let answered = false;
    const growth = await growthWhile(async () => {
      const huge = app.send(`/huge?sql=${encodeURIComponent(sql)}`).finally(() => {
        answered = true;
      });
      while (!answered) expect((await app.send('/small')).status).toBe(200);
      expect((await huge).status).toBe(500);
    });
    const error = app.unexpected[failures];
    expect(error).toBeInstanceOf(ResultTooLargeError);
    expect(String(error)).toMatch(/on pool "main" answered with more than 16777216 bytes \(maxResultBytes\).*LIMIT/);
    // What the driver keeps and copies is more than what was sent, but nothing of what was to follow.
    expect(growth).toBeLessThan(6 * BOUND);
    const endedMs = performance.now();
    await until(async () => (await statements()).length === 0);
    expect(performance.now() - endedMs).toBeLessThan(200);
    // Its session is replaced, and nobody takes the server for lost.
    await until(() => [...app.gateway.telemetry().pools()][0]?.gauges().total === 2);
    expect([...app.gateway.telemetry().pools()][0]?.gauges().lost).toBe(0);
    expect(app.log.of('database_unreachable')).toEqual([]);
    await app.expectAtRest();
  });

  it('without a bound fills the memory', async () => {
    const growth = await growthWhile(async () => {
      expect((await app.send('/boundless')).body).toEqual({ rowCount: ROWS });
    });
    expect(growth).toBeGreaterThan(140 * MIB);
    await app.expectAtRest();
  });

  it('is an error that a handler can tell from others, and its transaction is rolled back', async () => {
    const { status, body } = await app.send('/handled');
    expect({ status, body }).toEqual({ status: 422, body: { message: expect.stringContaining('maxResultBytes') } });
    expect(await ask(postgres.url, 'SELECT * FROM kept')).toEqual([]);
    await app.expectAtRest();
  });

  it('is read in pieces through a cursor, at the pace of its reader', async () => {
    let bytes = 0;
    const growth = await growthWhile(async () => {
      const response = await fetch(`http://127.0.0.1:${app.port}/stream`);
      expect(response.status).toBe(200);
      for await (const chunk of response.body ?? []) bytes += chunk.length;
    });
    expect(bytes).toBe(ROWS * 1_000);
    expect(growth).toBeLessThan(4 * BOUND);
    await app.expectAtRest();
  });
});
