import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { ask } from '../integration/pools/pool-fixture.js';
import { failures } from './calls.js';
import { type FaultShop, NOISE, startFaultShop } from './fault-shop.js';
import {
  type Away,
  allDown,
  expectOnlyInFlightLost,
  expectRefusedAtOnce,
  expectSoonServed,
  LASTING,
  underLoad,
  working,
} from './outage.js';
import { describeFault } from './repetitions.js';
import { lasts, until } from './until.js';

// F1 to F5: the server, or a part of it, ends under load and comes back soon.

let shop: FaultShop;

beforeAll(async () => {
  shop = await startFaultShop(LASTING);
});
afterEach(() => shop.expectAtRest());
afterAll(() => shop.close());

/** Attempts to connect that all pools made together. */
function attempts(): number {
  return [...shop.gateway.telemetry().pools()].reduce((sum, pool) => {
    const { opened, connectFailures } = pool.gauges();
    return sum + opened + connectFailures;
  }, 0);
}

const STOPS = [
  ['F1: an orderly restart', 'fast'],
  ['F2: a crash of the server', 'immediate'],
] as const;

for (const [title, mode] of STOPS) {
  describeFault(title, () => {
    it('costs who is in flight, once; who can wait does, and who cannot is told at once', NOISE, async () => {
      const met = await underLoad(shop, async () => {
        await shop.postgres.stop(mode);
        const downAtMs = await allDown(shop);
        await lasts(400);
        await shop.postgres.start();
        return { downAtMs, acceptsAtMs: Date.now() };
      });
      expectOnlyInFlightLost(met);
      expectRefusedAtOnce(met.products, met.downMs, met.acceptsMs, met.noiseMs);
      expectSoonServed(met);
    });
  });
}

describeFault('F3: one process of the server is killed, and takes all sessions with it', () => {
  it('is one outage: all are told once, nobody storms the server, and it is found soon', NOISE, async () => {
    const lostBefore = shop.pool('checkout').gauges().lost;
    let knocks = 0;
    const met = await underLoad(shop, async () => {
      const [victim] = await working(shop);
      if (victim === undefined) throw new Error('no checkout is running');
      const open = shop.pool('checkout').gauges().total;
      const before = attempts();
      process.kill(victim, 'SIGKILL');
      const downAtMs = await allDown(shop);
      const acceptsAtMs = await accepts();
      knocks = attempts() - before;
      expect(shop.pool('checkout').gauges().lost - lostBefore).toBe(open);
      return { downAtMs, acceptsAtMs };
    });
    expectOnlyInFlightLost(met);
    expectSoonServed(met);
    // Each pool knocks after 20 ms, 40, 80 and so on, each shortened by up to a half.
    const awayMs = met.acceptsMs - met.downMs;
    expect(knocks).toBeLessThanOrEqual(4 * (2 + Math.ceil(Math.log2(1 + awayMs / 10))));
  });
});

/** When the server lets somebody in again. */
async function accepts(): Promise<number> {
  await until(() =>
    ask(shop.postgres.url, 'SELECT 1').then(
      () => true,
      () => false,
    ),
  );
  return Date.now();
}

describeFault('F4: one session is terminated', () => {
  it('costs its own request, and no other pool or session is given up', NOISE, async () => {
    const gauges = (pool: string): { lost: number; opened: number } => shop.pool(pool).gauges();
    const others = ['catalog', 'reports', 'admin'].map((name) => gauges(name).lost);
    const { lost } = gauges('checkout');
    const met = await underLoad(shop, async () => {
      const [victim] = await working(shop);
      const downAtMs = Date.now();
      await ask(shop.postgres.url, 'SELECT pg_terminate_backend($1)', [victim]);
      await until(() => gauges('checkout').lost > lost);
      return { downAtMs, acceptsAtMs: Date.now() };
    });
    expect(failures(met.checkouts)).toEqual({ '503 connection_lost': 1 });
    expect(failures(met.products)).toEqual({});
    expect(gauges('checkout').lost).toBe(lost + 1);
    expect(['catalog', 'reports', 'admin'].map((name) => gauges(name).lost)).toEqual(others);
    expectSoonServed(met);
  });
});

describeFault('F5: the postmaster is killed', () => {
  const BUSY_MS = 900;
  const COMPUTING = "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO $$ DECLARE%'";
  const busy = `DO $$ DECLARE began timestamptz := clock_timestamp(); BEGIN
    WHILE clock_timestamp() < began + interval '${BUSY_MS} ms' LOOP END LOOP; END $$`;

  it('a statement that still runs is answered; all else is as with a crash', NOISE, async () => {
    let computed: unknown;
    const met = await underLoad(shop, async (): Promise<Away> => {
      const computing = shop.run('salesReport', (handle) => handle.query(busy));
      await until(() => shop.pool('reports').gauges().inUse === 1);
      await until(async () => (await ask(shop.postgres.url, COMPUTING)).length > 0);
      const { pid } = shop.postgres;
      if (pid === undefined) throw new Error('the server does not run');
      process.kill(pid, 'SIGKILL');
      await until(() => shop.pool('catalog').state === 'down' && shop.pool('checkout').state === 'down');
      const downAtMs = Date.now();
      computed = await computing;
      await restarted();
      return { downAtMs, acceptsAtMs: Date.now() };
    });
    expect(computed).toMatchObject({ command: 'DO' });
    expectOnlyInFlightLost(met);
    expectRefusedAtOnce(met.products, met.downMs, met.acceptsMs, met.noiseMs);
    expectSoonServed(met);
  });

  /** The next postmaster does not start before the last process of this one has ended. */
  async function restarted(): Promise<void> {
    await until(() => shop.postgres.pid === undefined);
    await until(() =>
      shop.postgres.start().then(
        () => true,
        () => false,
      ),
    );
  }
});
