import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { ask } from '../integration/pools/pool-fixture.js';
import { type FaultShop, NOISE } from './fault-shop.js';
import { allDown, expectAnsweredInTime, expectSoonServed, LASTING, MARKS, underLoad } from './outage.js';
import { type PooledShop, startPooledShop } from './pooled-shop.js';
import { describeFault } from './repetitions.js';
import { lasts, until } from './until.js';

// F33: the server behind a pooler says nothing for a while, and nobody hangs up.

let pooled: PooledShop;
let shop: FaultShop;

beforeAll(async () => {
  pooled = await startPooledShop(LASTING, { server_connect_timeout: 2 });
  ({ shop } = pooled);
});
afterEach(() => shop.expectAtRest());
afterAll(() => pooled.close());

describeFault('F33: the server behind the pooler stands still, and goes on', () => {
  it('costs who cannot wait, and not the pooler: it can still pass on what was cancelled', NOISE, async () => {
    const { pid } = pooled.pooler;
    const met = await underLoad(
      shop,
      async () => {
        const sessions = await ask<{ pid: number }>(
          shop.postgres.url,
          "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
        );
        const { cancels } = shop.pool('catalog').gauges();
        const standing = [Number(shop.postgres.pid), ...sessions.map((session) => session.pid)];
        for (const each of standing) process.kill(each, 'SIGSTOP');
        await until(() => shop.pool('catalog').gauges().cancels > cancels);
        const downAtMs = await allDown(shop);
        // Longer than a session is given to hear of its cancel, and than the pooler tries to pass that on.
        await lasts(3_000);
        for (const each of standing) process.kill(each, 'SIGCONT');
        return { downAtMs, acceptsAtMs: Date.now() };
      },
      { recoveryMs: MARKS.recoveryFromSilenceMs },
    );
    expectAnsweredInTime(met.checkouts, 4_000, met.noiseMs);
    expectAnsweredInTime(met.products, 500, met.noiseMs);
    expectSoonServed(met, MARKS.recoveryFromSilenceMs);
    expect(pooled.pooler.pid).toBe(pid);
    await expect(pooled.pooler.admin('SHOW VERSION')).resolves.toHaveLength(1);
  });
});
