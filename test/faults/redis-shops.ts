import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Gateway } from 'sluice';
import { expect } from 'vitest';
import { createShop } from '../../examples/shop/app.js';
import { LogBook } from '../integration/http/harness.js';
import { percentile } from '../load/latency.js';
import type { LoadPlan } from '../load/plan.js';
import { startLoad } from '../load/start-load.js';
import { type PostgresServer, startShopPostgres } from '../support/postgres.js';
import { type Call, callsOf } from './calls.js';
import { RedisRelay } from './redis-relay.js';
import { until } from './until.js';

/** Of both shops together. */
export const RATE = 100;
export const BURST = 40;
/** A class that is not the first lives on half of its share while Redis is away. */
export const AWAY_RATE: number = RATE / 2;
const SHOPS = 2;
/** Asked of each shop: together more than the rate. */
const OFFERED = 120;

const ENV: Readonly<Record<string, string>> = {
  SLUICE_INSTANCES: String(SHOPS),
  SLUICE_POOL_CHECKOUT_MAX: '4',
  SLUICE_POOL_CATALOG_MAX: '4',
  // Only the rate is to refuse: a burst is more than four seats work off soon where the machine is slow.
  SLUICE_POOL_CATALOG_EVICTION: 'false',
  SLUICE_READINESS_DELAY_MS: '0',
  SLUICE_ROUTE_PRODUCT_RATE_PER_SECOND: String(RATE),
  SLUICE_ROUTE_PRODUCT_BURST: String(BURST),
  SLUICE_ROUTE_PRODUCT_DEADLINE_MS: '5000',
};

const QUICK = { fsync: 'off', autovacuum: 'off', max_connections: '150' };

interface Shop {
  readonly gateway: Gateway;
  readonly port: number;
  readonly log: LogBook;
  /** What each decision about a rate took, in milliseconds. */
  readonly decisionsMs: number[];
  close(): Promise<void>;
}

/** What became of a load on both shops while something happened. */
export interface RedisRun {
  /** Of both, by the time of day; admitted or refused by the rate. */
  readonly calls: readonly Call[];
  readonly admitted: readonly Call[];
}

/** Two shops that share a rate through one Redis, which is reached through a relay. */
export class RedisShops {
  readonly shops: readonly Shop[];
  readonly relay: RedisRelay;
  /** What they share beside Redis. */
  readonly postgres: { readonly url: string; close(): Promise<void> };

  private constructor(shops: readonly Shop[], relay: RedisRelay, postgres: RedisShops['postgres']) {
    this.shops = shops;
    this.relay = relay;
    this.postgres = postgres;
  }

  /** @param database - One that others use, too. Default: a server of their own. */
  static async start(redisPort: number, database?: Pick<PostgresServer, 'url'>): Promise<RedisShops> {
    const own = database === undefined ? await startShopPostgres({ settings: QUICK }) : undefined;
    const postgres = { url: database?.url ?? own?.url ?? '', close: async () => own?.close() };
    const relay = await RedisRelay.to(redisPort);
    const env = { ...ENV, SLUICE_REDIS_URL: relay.url };
    const shops: Shop[] = [];
    // One after the other: the first one prepares the database.
    for (let n = 0; n < SHOPS; n += 1) shops.push(await startShop(postgres.url, env));
    return new RedisShops(shops, relay, postgres);
  }

  /** Whether both know that Redis does not answer; or both that it does. */
  degraded(expected: boolean): boolean {
    return this.shops.every(({ gateway }) => gateway.snapshot().fleet?.degraded === expected);
  }

  /**
   * What operators see of it: in the metrics, and as what was logged last. An answer that comes late on a busy machine is
   * a moment without Redis, and is seen as that.
   */
  async expectSeen(degraded: boolean): Promise<void> {
    const expected = [degraded ? 1 : 0, degraded ? 'fleet_degraded' : 'fleet_restored'];
    for (const shop of this.shops) {
      let seen: unknown[] = [];
      await until(async () => {
        seen = await seenAt(shop);
        return seen.join() === expected.join();
      }, 5_000).catch(() => expect(seen).toEqual(expected));
    }
  }

  /** Asks both for products, open loop, while something happens; and judges what holds in any case. */
  async loadWhile(runMs: number, work: () => Promise<void>): Promise<RedisRun> {
    for (const { decisionsMs } of this.shops) decisionsMs.length = 0;
    const loads = Promise.all(this.shops.map(({ port }, n) => this.#load(port, n, runMs)));
    await work().catch(async (error: unknown) => {
      await loads;
      throw error;
    });
    const calls = (await loads).flat().sort((a, b) => a.sentAtMs - b.sentAtMs);
    expect(calls.filter(({ status }) => status !== 200 && status !== 429).map(({ code }) => code)).toEqual([]);
    for (const { decisionsMs } of this.shops) {
      expect(decisionsMs.length).toBeGreaterThan(50);
      expect(
        percentile(
          decisionsMs.sort((a, b) => a - b),
          0.99,
        ),
      ).toBeLessThanOrEqual(5);
    }
    const admitted = calls.filter(({ status }) => status === 200);
    return { calls, admitted };
  }

  async close(): Promise<void> {
    await Promise.all(this.shops.map((shop) => shop.close()));
    await this.relay.close();
    await this.postgres.close();
  }

  async #load(port: number, seed: number, runMs: number): Promise<Call[]> {
    const plan: LoadPlan = {
      port,
      seed: seed + 1,
      warmUpMs: 0,
      measureMs: runMs,
      coolDownMs: 0,
      streams: [
        {
          name: 'product',
          method: 'GET',
          path: '/products/{{int 1 1000}}',
          arrivals: { kind: 'poisson', ratePerSecond: OFFERED },
          deadlineMs: 5_000,
          unansweredAfterMs: 10_000,
          keepEvents: true,
        },
      ],
    };
    const { streams, startedAtEpochMs } = await startLoad(plan);
    return streams.flatMap(callsOf).map((call) => ({
      ...call,
      sentAtMs: startedAtEpochMs + call.sentAtMs,
      endedAtMs: startedAtEpochMs + call.endedAtMs,
    }));
  }
}

/** The figure of the metrics, and the last word of the log. */
async function seenAt({ port, log }: Shop): Promise<[figure: number, code: unknown]> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const codes = log.entries.map(({ code }) => code).filter((code) => String(code).startsWith('fleet_'));
  return [Number(/^sluice_fleet_degraded (\d)$/m.exec(text)?.[1]), codes.at(-1)];
}

async function startShop(databaseUrl: string, env: Readonly<Record<string, string>>): Promise<Shop> {
  const log = new LogBook();
  const shop = await createShop({ databaseUrl, env, logger: log });
  const server = createServer(shop.app).listen({ port: 0, host: '127.0.0.1', backlog: 1_024 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { gateway } = shop;
  const decisionsMs = watchDecisions(gateway);
  return { gateway, port, log, decisionsMs, close: () => shop.close({ server, timeoutMs: 0 }) };
}

/**
 * The decisions are the real ones: only clocks are looked at before and after. That of the wall also counts what others
 * took of the processor meanwhile, that of the process what its other threads did: a decision took at most either.
 */
function watchDecisions(gateway: Gateway): number[] {
  const decisionsMs: number[] = [];
  const { rate } = gateway.entry('product').runtime;
  if (rate === undefined) throw new Error('the route has no rate limit');
  const take = rate.take.bind(rate);
  rate.take = (...asked) => {
    const before = process.cpuUsage();
    const beganAtMs = performance.now();
    try {
      return take(...asked);
    } finally {
      const tookMs = performance.now() - beganAtMs;
      const { user, system } = process.cpuUsage(before);
      decisionsMs.push(Math.min(tookMs, (user + system) / 1_000));
    }
  };
  return decisionsMs;
}

/** The most that was admitted in any window beyond what refilled in it. */
export function overshootOf(admitted: readonly Call[]): number {
  let least = 0;
  let most = 0;
  const beganAtMs = admitted[0]?.sentAtMs ?? 0;
  for (const [count, { sentAtMs }] of admitted.entries()) {
    const beyond = count - ((sentAtMs - beganAtMs) * RATE) / 1_000;
    least = Math.min(least, beyond);
    most = Math.max(most, beyond + 1 - least);
  }
  return most;
}
