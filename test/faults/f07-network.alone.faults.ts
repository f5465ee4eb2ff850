import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { checkoutStream, failures, sentBetween } from './calls.js';
import { type FaultShop, NOISE, startFaultShop } from './fault-shop.js';
import { CAN_FILTER, Firewall } from './firewall.js';
import {
  allDown,
  expectAnsweredInTime,
  expectRefusedAtOnce,
  expectSoonServed,
  LASTING,
  MARKS,
  products,
  underLoad,
  working,
} from './outage.js';
import { describeFault } from './repetitions.js';
import { lasts, until } from './until.js';

// F7 and F8: between the shop and its server the network falls silent, or forgets.

const DEADLINE_MS = 1_000;
const READ_DEADLINE_MS = 500;
const VALIDATE_AFTER_MS = 300;
const SILENCE = { recoveryMs: MARKS.recoveryFromSilenceMs };
const POOLS = ['checkout', 'catalog', 'reports', 'admin'];

let shop: FaultShop;
const firewall = new Firewall();

beforeAll(async () => {
  const env: Record<string, string> = {
    SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: String(DEADLINE_MS),
    SLUICE_POOL_CHECKOUT_RIDE_OUT_MS: '600',
    SLUICE_ROUTE_PRODUCT_DEADLINE_MS: String(READ_DEADLINE_MS),
  };
  for (const pool of POOLS) {
    env[`SLUICE_POOL_${pool.toUpperCase()}_CONNECT_TIMEOUT_MS`] = '400';
    // Down to two, so that there is room for others beside those that are forgotten.
    env[`SLUICE_POOL_${pool.toUpperCase()}_IDLE_TIMEOUT_MS`] = '200';
    env[`SLUICE_POOL_${pool.toUpperCase()}_VALIDATE_AFTER_IDLE_MS`] = String(VALIDATE_AFTER_MS);
  }
  shop = await startFaultShop({ ...LASTING, env, relayed: true });
});
afterEach(async () => {
  firewall.lift();
  shop.relay.resume();
  await shop.expectAtRest();
});
afterAll(() => shop.close());

interface Silence {
  readonly how: string;
  begin(): void;
  end(): void;
}

const silences: readonly Silence[] = [
  { how: 'a relay passes nothing on', begin: () => shop.relay.silence(), end: () => shop.relay.resume() },
  ...(CAN_FILTER
    ? [
        {
          how: 'iptables drops all packets',
          begin: () => firewall.set('DROP', shop.relay.address.port),
          end: () => firewall.lift(),
        },
      ]
    : []),
];

describeFault('F7: the network falls silent under load', () => {
  it.each(silences)('$how: everybody hears in time, and its end is found soon', NOISE, async ({ begin, end }) => {
    const met = await underLoad(
      shop,
      async () => {
        begin();
        const downAtMs = await allDown(shop);
        await lasts(1_200);
        end();
        return { downAtMs, acceptsAtMs: Date.now() };
      },
      SILENCE,
    );
    const { checkouts, products, inFlight, noiseMs } = met;
    expectAnsweredInTime(sentBetween(checkouts, 0, met.acceptsMs), DEADLINE_MS, noiseMs);
    expectAnsweredInTime(sentBetween(products, 0, met.acceptsMs), READ_DEADLINE_MS, noiseMs);
    expect(failures(checkouts)['504 deadline_expired']).toBeGreaterThanOrEqual(inFlight - 1);
    expectRefusedAtOnce(products, met.downMs, met.acceptsMs - READ_DEADLINE_MS, noiseMs);
    expectSoonServed(met, SILENCE.recoveryMs);
  });

  it(
    'one process of the server stands still: one request runs out of time, the others notice nothing',
    NOISE,
    async () => {
      let stopped: number | undefined;
      try {
        const met = await underLoad(shop, async () => {
          [stopped] = await working(shop);
          if (stopped === undefined) throw new Error('no checkout is running');
          process.kill(stopped, 'SIGSTOP');
          return { downAtMs: Date.now(), acceptsAtMs: Date.now() };
        });
        expect(failures(met.checkouts)).toEqual({ '504 deadline_expired': 1 });
        expect(failures(met.products)).toEqual({});
        expectAnsweredInTime(met.checkouts, DEADLINE_MS, met.noiseMs);
        // Its connection is given up, and no seat waits for it.
        await until(() => shop.pool('checkout').seats.inFlight === 0, 1_500);
      } finally {
        if (stopped !== undefined) process.kill(stopped, 'SIGCONT');
      }
    },
  );
});

/** Ports of the shop's own ends of its connections. */
function shopPorts(): number[] {
  const through = shop.relay.address.port;
  const lines = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1);
  const ends = lines.map((line) => line.trim().split(/\s+/).slice(1, 4));
  const port = (end: string | undefined): number => Number.parseInt(end?.split(':')[1] ?? '', 16);
  const ESTABLISHED = '01';
  return ends.filter(([, to, state]) => port(to) === through && state === ESTABLISHED).map(([from]) => port(from));
}

const lapses: readonly { readonly how: string; begin(): void }[] = [
  { how: 'a relay loses their answers', begin: () => shop.relay.forget() },
  ...(CAN_FILTER
    ? [
        {
          how: 'iptables drops their packets',
          begin: () => firewall.set('DROP', shop.relay.address.port, shopPorts()),
        },
      ]
    : []),
];

describeFault('F8: the network forgets connections while they idle', () => {
  it.each(lapses)('$how: no request is lost with them, and all of them are replaced', NOISE, async ({ begin }) => {
    const gauges = (): ReturnType<ReturnType<typeof shop.pool>['gauges']>[] =>
      POOLS.map((pool) => shop.pool(pool).gauges());
    await until(() => gauges().every(({ total, connecting }) => total === 2 && connecting === 0));
    // For longer than they are trusted.
    await lasts(VALIDATE_AFTER_MS + 50);
    const before = gauges();
    begin();
    const reads = { ...products, arrivals: { kind: 'uniform', ratePerSecond: 20 } } as const;
    const { of } = await shop.load(1_200, [checkoutStream('checkout', 20), reads]);
    expect({ ...failures(of('checkout')), ...failures(of('product')) }).toEqual({});
    await until(() => gauges().every(({ lost }, i) => lost - (before[i]?.lost ?? 0) === before[i]?.total));
  });
});
