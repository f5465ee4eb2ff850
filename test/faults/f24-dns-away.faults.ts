import { afterAll, beforeAll, expect, it } from 'vitest';
import { send } from './fault-app.js';
import { type FaultShop, startFaultShop } from './fault-shop.js';
import { Names, namedServer, type Resolution } from './names.js';
import { describeFault } from './repetitions.js';
import { until } from './until.js';

// F24: the resolver does not answer, or knows the name no longer. Open sessions need none.

const HERE = '127.0.0.1';
const CONNECT_MS = 200;

let names: Names;
let shop: FaultShop;

beforeAll(async () => {
  names = new Names('database.test', HERE);
  shop = await startFaultShop({
    env: { SLUICE_POOL_CHECKOUT_CONNECT_TIMEOUT_MS: String(CONNECT_MS), SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '2000' },
    checkoutWorkMs: 30,
    ...namedServer('database.test', [HERE]),
  });
});
afterAll(async () => {
  await shop.close();
  names.restore();
});

const buy = (sku: number): ReturnType<typeof send> => send(shop.port, '/checkout', { body: { sku, quantity: 1 } });

describeFault('F24: the name of the server cannot be resolved', () => {
  it.each<{ what: string; resolution: Resolution; code: string }>([
    { what: 'mute', resolution: 'mute', code: 'database_unreachable' },
    { what: 'no such name', resolution: 'unknown', code: 'database_name_unresolved' },
  ])('$what: open sessions go on, and attempts hold nobody up', async ({ resolution, code }) => {
    names.leadTo(HERE);
    const pool = shop.gateway.entry('checkout').runtime.pool?.pool;
    pool?.recycle();
    await until(() => pool?.gauges().total === 2 && pool.gauges().idle === 2);
    const warned = shop.log.of(code).length;
    const failed = pool?.gauges().connectFailures ?? 0;
    names.mostWaiting = names.waiting;
    const waitingBefore = names.waiting;
    names.leadTo(resolution);
    // Far more than two sessions would be wanted for, in rounds until attempts have failed several times.
    let sku = 0;
    let downs = 0;
    const watch = setInterval(() => {
      downs += pool?.state === 'up' ? 0 : 1;
    }, 1);
    while ((pool?.gauges().connectFailures ?? 0) < failed + 3) {
      const answers = await Promise.all(Array.from({ length: 8 }, () => buy(++sku)));
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
      expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(1_000);
    }
    clearInterval(watch);
    expect({ state: pool?.state, downs }).toEqual({ state: 'up', downs: 0 });
    expect(pool?.gauges()).toMatchObject({ total: 2, inUse: 0, acquiring: 0, lost: 0 });
    // Each that waits takes a thread of few: attempts come one at a time once they fail.
    expect(names.mostWaiting - waitingBefore).toBeLessThanOrEqual(8);
    expect(shop.log.of(code).length).toBe(warned + 1);
    names.leadTo(HERE);
    await until(async () => {
      await Promise.all(Array.from({ length: 8 }, () => buy(++sku)));
      return (pool?.gauges().total ?? 0) > 2;
    });
    await shop.expectAtRest();
  });
});
