import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../../examples/support/free-port.js';
import { ask } from '../integration/pools/pool-fixture.js';
import { type Answer, send } from './fault-app.js';
import { type FaultShop, startFaultShop } from './fault-shop.js';
import { describeFault } from './repetitions.js';
import { Standby } from './standby.js';
import { until } from './until.js';

// F22: reports are read from a second server, which falls behind, stands still or is gone. Nothing reads from elsewhere
// instead: whoever asks is told, soon, and the routes of the first server do not notice.

let shop: FaultShop;
let standby: Standby;

beforeAll(async () => {
  shop = await startFaultShop({
    arrange: async ({ url }) => {
      standby = await Standby.of(url, { host: '127.0.0.1', port: await freePort() });
      return { SLUICE_POOL_REPORTS_URL: standby.url, SLUICE_POOL_REPORTS_CONNECT_TIMEOUT_MS: '300' };
    },
  });
  await caughtUp();
});
afterAll(async () => {
  // Also after a start that failed.
  await Promise.resolve(shop?.close()).finally(() => standby?.close());
});

const report = (headers: Record<string, string> = {}): Promise<Answer> =>
  send(shop.port, '/reports/sales?days=1', { headers });
const buy = (): Promise<Answer> => send(shop.port, '/checkout', { body: { sku: 7, quantity: 1 } });

async function orders(answer: Promise<Answer>): Promise<number> {
  const { status, body } = await answer;
  expect(status).toBe(200);
  const rows = body.rows as readonly { readonly orders: number }[];
  return rows.reduce((sum, row) => sum + row.orders, 0);
}

/** The second server has all that the first one had just now. */
async function caughtUp(): Promise<void> {
  const [row] = await ask<{ lsn: string }>(shop.postgres.url, 'SELECT pg_current_wal_lsn()::text AS lsn');
  await until(async () => {
    const text = 'SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS there';
    const [found] = await ask<{ there: boolean }>(standby.url, text, [row?.lsn]);
    return found?.there === true;
  }, 20_000);
}

/** Sells and looks up while something is wrong elsewhere, and expects nobody to notice. */
async function expectOthersServed(rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    const answers = await Promise.all([buy(), send(shop.port, '/products/7'), send(shop.port, '/admin/orders/7')]);
    expect(answers.map(({ status }) => status)).toEqual([201, 200, 200]);
  }
}

/** Pools on the first server are at rest; sessions on the second are its own business. */
async function expectReportsAtRest(): Promise<void> {
  const gauges = () => shop.pool('reports').gauges();
  await until(() => shop.stats('salesReport').inFlight === 0 && shop.pool('reports').state === 'up');
  // The last answer is there a moment before its connection is back: the session is cleaned in between.
  await until(() => gauges().inUse + gauges().acquiring === 0);
  const { total, max } = gauges();
  const seen = await ask(standby.url, "SELECT 1 FROM pg_stat_activity WHERE application_name = 'sluice-shop'");
  expect(seen.length).toBeLessThanOrEqual(max);
  expect(total).toBeLessThanOrEqual(max);
}

describeFault('F22: the replica that serves reports', () => {
  it('falls behind: it answers with what it has, and takes no writes', async () => {
    await ask(standby.url, 'SELECT pg_wal_replay_pause()');
    const before = await orders(report());
    await expectOthersServed(5);
    expect(await orders(report())).toBe(before);
    const write = shop.run('salesReport', (handle) => handle.query('UPDATE products SET stock = stock WHERE sku = 7'));
    await expect(write).rejects.toMatchObject({
      code: 'database_busy',
      outcome: 'rolled_back',
      measured: { pool: 'reports', sql_state: '25006' },
    });
    await ask(standby.url, 'SELECT pg_wal_replay_resume()');
    await caughtUp();
    expect(await orders(report())).toBe(before + 5);
    await expectReportsAtRest();
  });

  it('stands still: reports end at their deadline, and nobody else waits', async () => {
    expect((await report()).status).toBe(200);
    standby.signal('SIGSTOP');
    const asked = Array.from({ length: 3 }, () => report({ 'x-request-timeout-ms': '400' }));
    await expectOthersServed(10);
    for (const { status, body, ms } of await Promise.all(asked)) {
      expect([503, 504]).toContain(status);
      expect(['deadline_expired', 'deadline_unreachable', 'database_unavailable']).toContain(body.code);
      expect(ms).toBeLessThan(400 + 150);
    }
    standby.signal('SIGCONT');
    await until(async () => (await report()).status === 200);
    await expectReportsAtRest();
  });

  it('is gone: reports are refused at once, and served again when it is back', async () => {
    // A server that comes back from further behind than this has no orders at all for a moment.
    await ask(shop.postgres.url, 'CHECKPOINT');
    await caughtUp();
    await ask(standby.url, 'CHECKPOINT');
    await standby.stop();
    await until(() => shop.pool('reports').state === 'down');
    const brief = await report({ 'x-request-timeout-ms': '200' });
    expect({ status: brief.status, code: brief.body.code }).toEqual({ status: 503, code: 'database_unavailable' });
    expect(brief.ms).toBeLessThan(150);
    await expectOthersServed(10);
    // Those that have the time wait for it, but not for ever.
    const patient = await report();
    expect({ status: patient.status, code: patient.body.code, outcome: patient.body.outcome }).toEqual({
      status: 503,
      code: 'database_unavailable',
      outcome: 'not_started',
    });
    expect(patient.ms).toBeLessThan(2_500);
    expect(shop.pool('checkout').state).toBe('up');
    expect((await fetch(`http://127.0.0.1:${shop.port}/readyz`)).status).toBe(200);
    await standby.start();
    const backMs = performance.now();
    await until(async () => (await report()).status === 200);
    expect(performance.now() - backMs).toBeLessThan(1_500);
    await expectReportsAtRest();
  });
});
