import type { Snapshot } from 'sluice';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from '../integration/pools/pool-fixture.js';
import { checkOut, ShopProcess } from '../integration/shop/shop-process.js';
import { type PostgresServer, startShopPostgres } from '../support/postgres.js';
import { describeFault } from './repetitions.js';
import { lasts, until } from './until.js';
import { WallClock } from './wall-clock.js';

// F45: somebody sets the clock of the machine, by an hour, forth and back. Nothing that lasts may depend on it.

const HOUR = 3_600;
const WORK_MS = 250;

let postgres: PostgresServer;
let clock: WallClock;
let shop: ShopProcess;
let url: string;

const snapshot = async (): Promise<Snapshot> => (await (await fetch(`${url}/sluice/snapshot.json`)).json()) as Snapshot;
const opened = async (): Promise<Record<string, number>> =>
  Object.fromEntries((await snapshot()).pools.map(({ name, connections }) => [name, connections.opened]));
const readOrder = async (): Promise<Response> => {
  const answer = await fetch(`${url}/admin/orders/1`);
  await answer.arrayBuffer();
  return answer;
};

/** How far the clock of the shop is ahead, in seconds, as its answers tell. */
async function ahead(): Promise<number> {
  const answer = await fetch(`${url}/healthz`);
  await answer.arrayBuffer();
  return (Date.parse(answer.headers.get('date') ?? '') - Date.now()) / 1_000;
}

/** Sets the clock while checkouts are in flight and queued; each of them must end well, after the time that it takes. */
async function jumpAmidCheckouts(seconds: number): Promise<void> {
  const sentMs = performance.now();
  const checkouts = Array.from({ length: 8 }, async () => {
    const { status } = await checkOut(url);
    return { status, ms: performance.now() - sentMs };
  });
  await until(async () => {
    const { inFlight, undecided } = (await snapshot()).routes.find(({ name }) => name === 'checkout') ?? {};
    return inFlight === 4 && undecided === 4;
  });
  await clock.set(seconds);
  const answers = await Promise.all(checkouts);
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
  for (const { ms } of answers) expect(ms).toBeGreaterThanOrEqual(WORK_MS);
  await until(async () => Math.abs((await ahead()) - seconds) < 5);
}

describeFault('F45: the clock of the machine is set', () => {
  beforeAll(async () => {
    postgres = await startShopPostgres({ settings: { fsync: 'off' } });
    clock = await WallClock.make();
    const env = {
      ...clock.env,
      DATABASE_URL: postgres.url,
      SHOP_CHECKOUT_WORK_MS: String(WORK_MS),
      // Few seats, so that some wait while the clock is set.
      SLUICE_POOL_CHECKOUT_MAX: '4',
      SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '3000',
      SLUICE_ROUTE_ADMIN_ORDER_RATE_PER_SECOND: '1',
      SLUICE_ROUTE_ADMIN_ORDER_BURST: '4',
      // A hundred times less than the clock is set by.
      SLUICE_POOL_CATALOG_IDLE_TIMEOUT_MS: '36000',
      SLUICE_POOL_CATALOG_MIN_IDLE: '0',
      SLUICE_POOL_CHECKOUT_MAX_LIFETIME_MS: '36000',
    };
    shop = new ShopProcess({ env });
    url = await shop.url();
  });
  afterAll(async () => {
    await shop.destroy();
    await clock.remove();
    await postgres.close();
  });

  it.each([
    ['an hour ahead', HOUR],
    ['an hour back', 0],
    ['to an hour ago', -HOUR],
    ['and right again', 0],
  ])('%s: no deadline, no bucket and no connection notices', async (_how, seconds) => {
    // Every pool has worked before, and keeps what it opened.
    await fetch(`${url}/products/1`).then((answer) => answer.arrayBuffer());
    await jumpAmidCheckouts(Math.round(await ahead()));
    const before = await opened();
    // The bucket is empty; it gets one token a second and no more, and nobody is sent away for an hour.
    let refused = await readOrder();
    await until(async () => {
      if (refused.status !== 429) refused = await readOrder();
      return refused.status === 429;
    });
    const emptyMs = performance.now();
    await jumpAmidCheckouts(seconds);
    for (;;) {
      const answer = await readOrder();
      if (answer.status === 200) break;
      expect(answer.status).toBe(429);
      expect(Number(answer.headers.get('retry-after'))).toBeLessThanOrEqual(3);
      await lasts(50);
    }
    const refilledMs = performance.now() - emptyMs;
    expect(refilledMs).toBeLessThan(2_500);
    // What has come since then is what the time since then is worth.
    let tokens = 1;
    while ((await readOrder()).status === 200) tokens += 1;
    expect(tokens).toBeLessThanOrEqual(1 + (performance.now() - emptyMs) / 1_000);
    expect(await opened()).toEqual(before);
  });

  it('and all is at rest afterwards, and it ends well', async () => {
    const { routes, pools } = await snapshot();
    for (const { arrived, admitted, shed, abandonedBeforeAdmission, ended, outcomes } of routes) {
      expect(arrived).toBe(admitted + shed + abandonedBeforeAdmission);
      expect(admitted).toBe(ended);
      expect({ ...outcomes, succeeded: 0 }).toEqual({ succeeded: 0, failed: 0, expired: 0, abandoned: 0 });
    }
    for (const { state, seats, connections } of pools) {
      expect({ state, taken: seats.inFlight, lost: connections.lost }).toEqual({ state: 'up', taken: 0, lost: 0 });
    }
    const busy = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'sluice-shop' AND state <> 'idle'";
    expect(await ask(postgres.url, busy)).toEqual([]);
    shop.kill('SIGTERM');
    expect(await shop.ended).toBe(0);
    expect(shop.output).not.toMatch(/Error|warn/);
  });
});
