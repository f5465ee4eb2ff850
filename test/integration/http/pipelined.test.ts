import { protect } from 'sluice/express';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { ask, until } from '../pools/pool-fixture.js';
import { type Bench, FRAMEWORKS, serve } from './harness.js';
import { RawClient } from './raw-client.js';

const REQUESTS = 12;
const SEATS = 2;

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
  await ask(postgres.url, 'CREATE TABLE orders (n int)');
});
afterAll(() => postgres.close());

describe.each(FRAMEWORKS)('requests that are pipelined, on %s', (_, express) => {
  let bench: Bench;
  let workS = 30;

  beforeAll(async () => {
    bench = await serve(
      {
        express,
        url: postgres.url,
        pools: { main: { max: SEATS, feasibility: false, eviction: false } },
        routes: { order: { pool: 'main', deadlineMs: 60_000 } },
      },
      (app, gateway) => {
        app.get(
          '/order',
          protect(gateway, 'order', {}, async (req, res) => {
            await req.sluice.transaction(async (client) => {
              await client.query('INSERT INTO orders VALUES ($1)', [Number(req.query.n)]);
              await client.query('SELECT pg_sleep($1)', [workS]);
            });
            res.json({});
          }),
        );
      },
    );
  });
  afterEach(() => bench.atRest());
  afterAll(() => bench.close());

  async function send(): Promise<RawClient> {
    const client = await RawClient.to(bench.port);
    for (let n = 0; n < REQUESTS; n++) client.write(`GET /order?n=${n} HTTP/1.1`, 'Host: test', '', '');
    return client;
  }
  const orders = async (): Promise<number> => (await ask(postgres.url, 'SELECT n FROM orders')).length;

  it.each([
    ['resets the connection', (client: RawClient) => client.leave()],
    ['ends it', (client: RawClient) => client.socket.destroy()],
  ])('end with their client, who %s: those at work, and those that wait', async (_how, leave) => {
    const { abandonedBeforeAdmission, outcomes } = { ...bench.stats('order') };
    const abandoned = outcomes.abandoned;
    const client = await send();
    await until(async () => (await bench.running()).filter((text) => text.includes('pg_sleep')).length === SEATS);
    await until(() => bench.gateway.entry('order').runtime.gate?.bulkhead.queued === REQUESTS - SEATS);
    leave(client);
    await bench.atRest();
    const stats = bench.stats('order');
    expect(stats.outcomes.abandoned - abandoned).toBe(SEATS);
    expect(stats.abandonedBeforeAdmission - abandonedBeforeAdmission).toBe(REQUESTS - SEATS);
    expect(await orders()).toBe(0);
  });

  it('are answered in their order to a client who stays', async () => {
    workS = 0;
    const succeeded = bench.stats('order').outcomes.succeeded;
    const client = await send();
    await until(() => client.received.split('HTTP/1.1 200').length === REQUESTS + 1);
    expect(bench.stats('order').outcomes.succeeded - succeeded).toBe(REQUESTS);
    expect(client.socket.destroyed).toBe(false);
    client.leave();
    expect(await orders()).toBe(REQUESTS);
    await ask(postgres.url, 'TRUNCATE orders');
  });
});
