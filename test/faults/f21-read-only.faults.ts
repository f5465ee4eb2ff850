import { afterEach, beforeEach, expect, it } from 'vitest';
import { busyParts, expectBalanced } from '../integration/http/harness.js';
import { ask } from '../integration/pools/pool-fixture.js';
import type { StreamPlan } from '../load/plan.js';
import { checkoutStream, failures, sentBetween } from './calls.js';
import { send } from './fault-app.js';
import { type FaultShop, NOISE, startFaultShop } from './fault-shop.js';
import { Names, namedServer } from './names.js';
import { describeFault } from './repetitions.js';
import { Standby } from './standby.js';
import { lasts, until } from './until.js';

// F21: a failover. The server that the shop is connected to takes no writes any more, another one takes over, and the
// name leads there a moment later. Sessions of the old one would go on for ever, and fail every checkout.

const RECOVERY_MS = 2_000;
/** For enough to be bought once all is well again. */
const AFTER_MS = 1_200;
/** A failover that lasts longer than this has gone wrong. */
const LONGEST_MS = 30_000;
/** Checkouts that may run out of time in the change from one server to the other. */
const LATE = 3;

const [OLD, NEW] = ['127.0.0.2', '127.0.0.3'] as const;

describeFault('F21: the server becomes read-only', () => {
  let names: Names;
  let shop: FaultShop;
  let standby: Standby;

  beforeEach(async () => {
    names = new Names('database.test', OLD);
    const named = namedServer('database.test', ['127.0.0.1', OLD]);
    shop = await startFaultShop({
      ...named,
      env: {
        SLUICE_POOL_CHECKOUT_BREAKER_RAMP_MS: '50',
        SLUICE_POOL_CHECKOUT_BREAKER_RESET_MS: '100',
        // The start of another server takes the machine for a moment.
        SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '2000',
      },
      arrange: async (server, relay) => {
        standby = await Standby.of(server.url, { host: NEW, port: server.port });
        return named.arrange(server, relay);
      },
    });
  });
  afterEach(async () => {
    names.restore();
    // Also after a start that failed.
    await Promise.resolve(shop?.close()).finally(() => standby.close());
  });

  async function readOnly(value: 'on' | 'off'): Promise<void> {
    await ask(shop.postgres.url, `ALTER SYSTEM SET default_transaction_read_only = ${value}`);
    await ask(shop.postgres.url, 'SELECT pg_reload_conf()');
  }

  it(
    'and another takes over: writes say so until then, reads go on, and nobody has to restart anything',
    NOISE,
    async () => {
      const buy = (): ReturnType<typeof send> => send(shop.port, '/checkout', { body: { sku: 1, quantity: 1 } });
      for (let warm = 0; warm < 20; warm += 1) expect((await buy()).status).toBe(201);
      const look: StreamPlan = {
        name: 'look',
        method: 'GET',
        path: '/products/{{int 1 1000}}',
        arrivals: { kind: 'poisson', ratePerSecond: 40 },
        deadlineMs: 500,
        unansweredAfterMs: 10_000,
      };
      let end: () => void = () => undefined;
      const ending = new Promise<void>((resolve) => {
        end = resolve;
      });
      const loading = shop.load(LONGEST_MS, [checkoutStream('buy', 40), look], ending);
      const failed = (): number => shop.stats('checkout').errorsByCode.database_busy;
      const { ended } = shop.stats('checkout');
      await until(() => shop.stats('checkout').ended > ended + 20);
      await readOnly('on');
      await until(() => failed() > 5);
      await ask(standby.url, 'SELECT pg_promote()');
      names.leadTo(NEW);
      const promotedEpoch = Date.now();
      await lasts(RECOVERY_MS + AFTER_MS);
      end();
      const { of, result } = await loading;
      // The wait between two looks grows up to five seconds; so early in the failover it is short.
      const recoveredMs = promotedEpoch - result.startedAtEpochMs + RECOVERY_MS;
      const calls = of('buy');
      expect(failures(sentBetween(calls, recoveredMs))).toEqual({});
      expect(sentBetween(calls, recoveredMs).length).toBeGreaterThan(20);
      // A statement may also take too long while one server stops and the other begins.
      const { '504 deadline_expired': late = 0, ...told } = failures(calls);
      expect(late).toBeLessThanOrEqual(LATE);
      for (const code of Object.keys(told)) expect(['503 database_busy', '503 breaker_open']).toContain(code);
      expect(failures(of('look'))).toEqual({});
      expect(shop.log.of('database_read_only').length).toBeGreaterThan(0);
      // What is sold is sold on the new server.
      const [row] = await ask<{ n: number }>(
        standby.url,
        "SELECT count(*)::int AS n FROM orders WHERE ordered_at > now() - interval '2 s'",
      );
      expect(row?.n).toBeGreaterThan(20);
      await until(() => busyParts(shop.gateway).length === 0);
      for (const route of shop.gateway.telemetry().routes()) expectBalanced(route.stats, route.name);
      // The way back, so that every session is where the invariants look for it.
      await readOnly('off');
      names.leadTo(OLD);
      for (const route of ['checkout', 'product', 'salesReport', 'adminOrder']) {
        shop.gateway.entry(route).runtime.pool?.pool.recycle();
      }
      expect((await buy()).status).toBe(201);
      await shop.expectAtRest();
    },
  );
});
