import pg from 'pg';
import type { Snapshot } from 'sluice';
import { protect } from 'sluice/express';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from '../integration/pools/pool-fixture.js';
import { checkOut, ShopProcess } from '../integration/shop/shop-process.js';
import { type PostgresServer, startShopPostgres } from '../support/postgres.js';
import type { Answer } from './fault-app.js';
import { NOISE } from './fault-shop.js';
import { describeFault } from './repetitions.js';
import { standingApp } from './standing-app.js';
import { until } from './until.js';

// F68: sessions are ended by the server, some idle, some in a handler's hands. An error event that nobody listens for
// would end the process: so the shop runs as one.

const OURS = "application_name = 'sluice-shop' AND pid <> pg_backend_pid()";
const IDLE = "state = 'idle'";
const BUSY = "state <> 'idle'";

/** Anything that could be listened for wrongly: at rest, in a statement, between two statements of a transaction. */
const KINDS: readonly (readonly [which: string, condition: string])[] = [
  ['idle ones', IDLE],
  ['ones at work', BUSY],
  ['all of them', 'true'],
];

describeFault('F68: sessions are terminated', () => {
  let postgres: PostgresServer;
  let shop: ShopProcess;
  let url: string;

  beforeAll(async () => {
    postgres = await startShopPostgres({ settings: { fsync: 'off' } });
    const env = { SLUICE_POOL_CHECKOUT_LOCK_TIMEOUT_MS: '0', SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '30000' };
    shop = new ShopProcess({ env: { ...env, DATABASE_URL: postgres.url } });
    url = await shop.url();
  });
  afterAll(async () => {
    await shop.destroy();
    await postgres.close();
  });

  const snapshot = async (): Promise<Snapshot> =>
    (await (await fetch(`${url}/sluice/snapshot.json`)).json()) as Snapshot;
  const sessions = (condition: string) =>
    ask<{ pid: number }>(postgres.url, `SELECT pid FROM pg_stat_activity WHERE ${OURS} AND ${condition}`);
  const terminate = (condition: string) =>
    ask<{ done: boolean }>(
      postgres.url,
      `SELECT pg_terminate_backend(pid) AS done FROM pg_stat_activity WHERE ${OURS} AND ${condition}`,
    );

  /** Does something while every checkout waits for its product. */
  const held = async <T>(work: () => Promise<Promise<T>[]>): Promise<T[]> => {
    const holder = new pg.Client({ connectionString: postgres.url });
    await holder.connect();
    try {
      await holder.query('BEGIN; SELECT FROM products WHERE sku = 1 FOR UPDATE');
      const waiting = await work();
      await holder.query('ROLLBACK');
      return await Promise.all(waiting);
    } finally {
      await holder.end();
    }
  };

  it.each(KINDS)(
    '%s, again and again: each costs its own request at most, and the process lives',
    async (_which, condition) => {
      const answers: { status: number; body: unknown }[] = [];
      let killed = 0;
      for (let round = 0; round < 4; round += 1) {
        const before = killed;
        const answered = await held(async () => {
          const crowd = Array.from({ length: 4 }, () => checkOut(url));
          await until(async () => (await sessions(BUSY)).length === 4);
          await until(async () => {
            killed += (await terminate(condition)).length;
            return killed > before;
          });
          return crowd;
        });
        answers.push(...answered);
      }
      expect(killed).toBeGreaterThanOrEqual(4);
      expect(answers).toHaveLength(16);
      const lost = answers.filter(({ status }) => status !== 201);
      // It was in the middle of its transaction, so nothing of it is left, and that is what it says.
      for (const { status, body } of lost) {
        expect({ status, body }).toMatchObject({
          status: 503,
          body: { code: 'connection_lost', outcome: 'rolled_back' },
        });
      }
      expect(lost.length).toBe(condition === IDLE ? 0 : 16);
      await until(async () => (await snapshot()).pools.every(({ state }) => state === 'up'));
      expect(await checkOut(url)).toMatchObject({ status: 201 });
      expect(shop.child.exitCode).toBeNull();
    },
  );

  it('and all is at rest afterwards, what was sold is in the books, and the process ends well', async () => {
    // The last answer is there a moment before its seat and its connection are; a later look may meet a check.
    let seen = await snapshot();
    await until(async () => {
      seen = await snapshot();
      return seen.pools.every((pool) => pool.seats.inFlight + pool.connections.inUse === 0);
    });
    const { routes, pools } = seen;
    for (const { arrived, admitted, shed, abandonedBeforeAdmission, ended } of routes) {
      expect({ arrived, admitted }).toEqual({ arrived: admitted + shed + abandonedBeforeAdmission, admitted: ended });
    }
    const succeeded = routes.find(({ name }) => name === 'checkout')?.outcomes.succeeded;
    const [books] = await ask(
      postgres.url,
      `SELECT (SELECT count(*)::int FROM orders WHERE id > 200000 AND quantity = 1) AS orders,
              (SELECT 1000000 - stock FROM products WHERE sku = 1) AS stock`,
    );
    expect(books).toEqual({ orders: succeeded, stock: succeeded });
    for (const { name, seats, connections } of pools) {
      expect({ name, taken: seats.inFlight, lent: connections.inUse }).toEqual({ name, taken: 0, lent: 0 });
    }
    const budget = pools.reduce((sum, { connections }) => sum + connections.max, 0);
    expect((await sessions('true')).length).toBeLessThanOrEqual(budget);
    shop.kill('SIGTERM');
    expect(await shop.ended).toBe(0);
    expect(shop.output).not.toMatch(/uncaught|unhandled|^\s+at /im);
  });
});

describeFault('F68: one session after another is terminated under load', () => {
  const standing = standingApp(
    {
      pools: { main: { max: 8, minIdle: 8 } },
      // Far below what is waited out of an outage.
      routes: { read: { pool: 'main', deadlineMs: 1_500 } },
    },
    (express, gateway) => {
      express.get(
        '/read',
        protect(gateway, 'read', {}, async (req, res) => {
          await req.sluice.query('SELECT pg_sleep(0.02)');
          res.json({});
        }),
      );
    },
  );

  // A loop that is held up for as long as it may take to find that the others live, refuses who cannot wait an outage out.
  it('costs its own request and nobody else', NOISE, async () => {
    const { app, url } = standing;
    const calls: Promise<Answer>[] = [];
    const load = setInterval(() => calls.push(app.send('/read')), 8);
    let killed = 0;
    try {
      await until(() => app.stats('read').outcomes.succeeded > 40);
      while (killed < 10) {
        const before = app.stats('read').outcomes.succeeded;
        killed += (
          await ask(
            url,
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE ${OURS} AND ${BUSY} ORDER BY random() LIMIT 1`,
          )
        ).length;
        await until(() => app.stats('read').outcomes.succeeded >= before + 10);
      }
    } finally {
      clearInterval(load);
    }
    const failed = (await Promise.all(calls)).filter(({ status }) => status !== 200).map(({ body }) => body.code);
    expect(failed.filter((code) => code !== 'connection_lost')).toEqual([]);
    expect(failed.length).toBeLessThanOrEqual(killed);
    expect(app.gateway.snapshot().pools[0]?.connections.lost).toBeGreaterThanOrEqual(1);
    await app.expectAtRest();
  });
});
