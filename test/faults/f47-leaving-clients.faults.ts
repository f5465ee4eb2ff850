import { afterEach, beforeEach, expect, it } from 'vitest';
import { RawClient } from '../integration/http/raw-client.js';
import { ask } from '../integration/pools/pool-fixture.js';
import { type FaultShop, startFaultShop } from './fault-shop.js';
import { describeFault } from './repetitions.js';
import { until } from './until.js';

// F47 and F48: clients go away, while they wait and while the database works for them.

let shop: FaultShop;
let clients: RawClient[];

beforeEach(() => {
  clients = [];
});
afterEach(async () => {
  for (const { socket } of clients) socket.destroy();
  await shop.close();
});

/** A client that has sent its checkout and waits. */
async function checkout(quantity = 1): Promise<RawClient> {
  const client = await RawClient.to(shop.port);
  clients.push(client);
  const body = JSON.stringify({ sku: 1, quantity });
  const length = `Content-Length: ${body.length}`;
  client.write('POST /checkout HTTP/1.1', 'Host: test', 'Content-Type: application/json', length, '', body);
  return client;
}

async function report(): Promise<RawClient> {
  const client = await RawClient.sends(shop.port, 'GET', '/reports/sales');
  clients.push(client);
  return client;
}

/** What the shop has sold since its start, by its orders and by its stock: never the one without the other. */
async function sold(): Promise<{ readonly orders: number; readonly stock: number }> {
  const [row] = await ask<{ orders: number; stock: number }>(
    shop.postgres.url,
    `select (select coalesce(sum(quantity), 0)::int from orders where id > 200000) as orders,
            (select 1000000 - stock from products where sku = 1) as stock`,
  );
  return row ?? { orders: -1, stock: -2 };
}

/** Sessions of the shop that run a statement at this moment. */
async function working(): Promise<number> {
  const text = "select 1 from pg_stat_activity where application_name = 'sluice-shop' and state <> 'idle'";
  return (await ask(shop.postgres.url, text)).length;
}

/** With a reset, by closing, and by ending its own side only. */
const WAYS: readonly ((client: RawClient) => unknown)[] = [
  (client) => client.leave(),
  (client) => client.socket.destroy(),
  (client) => client.socket.end(),
];

function leaveAll(leaving: readonly RawClient[]): void {
  for (const [place, client] of leaving.entries()) WAYS[place % WAYS.length]?.(client);
}

describeFault('F47: a client goes away while it waits for a seat', () => {
  beforeEach(async () => {
    const env = {
      SLUICE_POOL_CHECKOUT_MAX: '2',
      SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '20000',
      // They are to be queued, however long that would take.
      SLUICE_POOL_CHECKOUT_EVICTION: 'false',
      SLUICE_POOL_CHECKOUT_FEASIBILITY: 'false',
    };
    shop = await startFaultShop({ checkoutWorkMs: 400, env });
  });

  it('in whatever way: it is gone from the queue at once, and costs the database nothing', async () => {
    const staying = await Promise.all([checkout(), checkout()]);
    await until(() => shop.stats('checkout').admitted === 2);
    const leaving = await Promise.all(Array.from({ length: 30 }, () => checkout()));
    const patient = await checkout();
    await until(() => shop.queued() === 31);
    const leftMs = performance.now();
    leaveAll(leaving);
    await until(() => shop.queued() === 1);
    expect(performance.now() - leftMs).toBeLessThan(100);
    await until(() => [...staying, patient].every(({ received }) => received.includes('201 Created')));
    const { admitted, abandonedBeforeAdmission, outcomes } = shop.stats('checkout');
    expect({ admitted, abandonedBeforeAdmission }).toEqual({ admitted: 3, abandonedBeforeAdmission: 30 });
    expect(outcomes).toMatchObject({ succeeded: 3, abandoned: 0 });
    expect(leaving.map(({ received }) => received).join('')).toBe('');
    expect(await sold()).toEqual({ orders: 3, stock: 3 });
    await shop.expectAtRest();
  });
});

describeFault('F48: a client goes away while the database works for it', () => {
  it('in whatever way: a report is cancelled on the server, and its seat is free', async () => {
    shop = await startFaultShop({ reportWorkMs: 20_000 });
    const leaving = await Promise.all([report(), report(), report()]);
    await until(async () => (await working()) === 3);
    const leftMs = performance.now();
    leaveAll(leaving);
    await until(() => shop.pool('reports').seats.inFlight === 0);
    // The seat waits for the cancel, and for the proof that it can hit nobody else.
    expect(performance.now() - leftMs).toBeLessThan(150);
    expect(await working()).toBe(0);
    expect(shop.stats('salesReport').outcomes).toMatchObject({ abandoned: 3, succeeded: 0 });
    expect(shop.pool('reports').gauges()).toMatchObject({ cancels: 3, lost: 0 });
    await shop.expectAtRest();
  });

  it('in a checkout: nothing of it stays', async () => {
    shop = await startFaultShop({ checkoutWorkMs: 20_000, env: { SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '60000' } });
    const client = await checkout();
    await until(async () => (await working()) === 1);
    client.leave();
    await until(() => shop.pool('checkout').seats.inFlight === 0);
    expect(await sold()).toEqual({ orders: 0, stock: 0 });
    await shop.expectAtRest();
  });

  it('in a checkout that is to finish all the same: all of it stays', async () => {
    const env = { SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '10000', SLUICE_ROUTE_CHECKOUT_ON_DISCONNECT: 'finish' };
    shop = await startFaultShop({ checkoutWorkMs: 300, env });
    const client = await checkout(7);
    await until(async () => (await working()) === 1);
    client.leave();
    await until(() => shop.stats('checkout').ended === 1);
    expect(shop.stats('checkout').outcomes).toMatchObject({ abandoned: 1 });
    expect(await sold()).toEqual({ orders: 7, stock: 7 });
    expect(shop.pool('checkout').gauges().cancels).toBe(0);
    await shop.expectAtRest();
  });

  it('at any moment of 400 checkouts: each is done wholly or not at all', async () => {
    shop = await startFaultShop({ checkoutWorkMs: 2 });
    for (let round = 0; round < 20; round += 1) {
      const crowd = await Promise.all(Array.from({ length: 20 }, () => checkout()));
      await Promise.all(
        crowd.map(async (client, place) => {
          // Spread over the whole life of a checkout, which others of the crowd make longer for each.
          const { ended } = shop.stats('checkout');
          await until(() => shop.stats('checkout').ended >= ended + place || client.received !== '');
          WAYS[place % WAYS.length]?.(client);
        }),
      );
    }
    await until(() => shop.stats('checkout').arrived === 400 && shop.stats('checkout').inFlight === 0);
    const { outcomes, abandonedBeforeAdmission } = shop.stats('checkout');
    // Both happened, or there was nothing to see.
    expect(outcomes.succeeded).toBeGreaterThan(20);
    expect(outcomes.abandoned + abandonedBeforeAdmission).toBeGreaterThan(20);
    const { orders, stock } = await sold();
    expect(orders).toBe(stock);
    expect(orders).toBeGreaterThanOrEqual(outcomes.succeeded);
    await shop.expectAtRest();
  });
});
