import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../integration/pools/pool-fixture.js';
import { checkoutStream, failures, sentBetween } from './calls.js';
import { type FaultShop, NOISE } from './fault-shop.js';
import { MARKS, UNBOUNDED } from './outage.js';
import { type PooledShop, startPooledShop } from './pooled-shop.js';
import { describeFault } from './repetitions.js';
import { lasts, until } from './until.js';

// F35 and F36: a pooler that has fewer places than the shop was told, towards its server or towards its clients.

let pooled: PooledShop;
let shop: FaultShop;

// For each repetition anew: how many connections a pool has is what these faults begin with.
describeFault('F35 and F36: a pooler has fewer places than the shop was told', () => {
  beforeAll(async () => {
    // Nobody tells the shop that its sixteen connections share two.
    pooled = await startPooledShop(UNBOUNDED, { query_wait_timeout: 0.5 }, { checkout: 2 });
    ({ shop } = pooled);
  });
  afterEach(() => shop.expectAtRest());
  afterAll(() => pooled.close());

  describe('F36: the pooler takes no more clients', () => {
    it('shrinks the pool to what it has, loses nobody, and grows again when there is room', NOISE, async () => {
      const { pooler } = pooled;
      const pool = shop.pool('checkout');
      // With these figures the pooler closes no client; it only refuses newcomers.
      const before = pool.gauges().total;
      const clients = (await pooler.admin('SHOW CLIENTS')).length;
      await pooler.admin(`SET max_client_conn = ${clients}`);
      const { of } = await shop.load(900, [checkoutStream('checkout', 40)]);
      expect(failures(of('checkout'))).toEqual({});
      expect(pool.gauges().granted).toBeLessThan(pool.gauges().max);
      await pooler.admin('SET max_client_conn = 500');
      // The next knock of the pool may be so far off.
      await lasts(600);
      const { of: after } = await shop.load(1_200, [checkoutStream('checkout', 40)]);
      expect(failures(after('checkout'))).toEqual({});
      expect(shop.log.of('database_connections_exhausted').join()).toContain('no more connections allowed');
      expect(pool.gauges().total).toBeGreaterThan(before);
    });
  });

  describe('F35: the queue of the pooler is full, and it turns away who waits there', () => {
    it(
      'tells the truth to who cannot wait on, replaces the connections, and is well when there is room again',
      NOISE,
      async () => {
        // So many at once that there are more connections here than the pooler has.
        await shop.load(900, [checkoutStream('checkout', 120)]);
        expect(shop.pool('checkout').gauges().total).toBeGreaterThan(4);
        const { opened, lost } = shop.pool('checkout').gauges();
        const ended = shop.stats('checkout').ended;
        const loading = shop.load(3_400, [checkoutStream('checkout', 30)]);
        await until(() => shop.stats('checkout').ended - ended >= 15);
        // Who has one of the two connections waits for this lock, and everybody else for them.
        const from = Date.now();
        await ask(shop.postgres.url, 'BEGIN; LOCK TABLE products; SELECT pg_sleep(1.2); COMMIT');
        const freeAtMs = Date.now();
        const { of, result, noiseMs } = await loading;
        // It did turn some away: they were closed here, too, and others opened in their place.
        expect(shop.pool('checkout').gauges().lost).toBeGreaterThan(lost);
        expect(await pooled.pooler.log()).toContain('closing because: query_wait_timeout');
        for (const each of Object.keys(failures(of('checkout'))))
          expect(each).toMatch(/^503 (connection_lost|database_unavailable|deadline_unreachable)$/);
        expect(freeAtMs - from).toBeGreaterThan(1_000);
        const recovered = freeAtMs - result.startedAtEpochMs + MARKS.recoveryFromSilenceMs + noiseMs;
        const later = sentBetween(of('checkout'), recovered);
        expect(later.length).toBeGreaterThan(0);
        expect(failures(later)).toEqual({});
        expect(shop.pool('checkout').gauges().opened).toBeGreaterThan(opened);
      },
    );
  });
});
