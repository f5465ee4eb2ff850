import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { checkoutStream, failures, latencyAt } from './calls.js';
import { type FaultShop, NOISE, startFaultShop } from './fault-shop.js';
import { CAN_FILTER, Firewall } from './firewall.js';
import { expectOnlyInFlightLost, expectSoonServed, PATIENT, underLoad, working } from './outage.js';
import { describeFault } from './repetitions.js';
import { lasts, until } from './until.js';

// F10 and F11: connections are reset, and the server is slow to accept new ones.

/** Connections for checkouts that are always open. */
const WARM = 12;
const LOGIN_MS = 400;
/** Short ones, so that few connections can serve a surge; so there have to be more of them. */
const OFTEN = { checkoutsPerSecond: 80 };

let shop: FaultShop;
let direct: FaultShop;
const firewall = new Firewall();

beforeAll(async () => {
  const env = {
    ...PATIENT.env,
    // What is lost is wanted back, and what a surge opened is gone soon after it.
    SLUICE_POOL_CHECKOUT_MIN_IDLE: String(WARM),
    SLUICE_POOL_CHECKOUT_IDLE_TIMEOUT_MS: '300',
  };
  shop = await startFaultShop({ ...PATIENT, env, relayed: true });
  // A relay would not notice a reset of the half that it does not speak on, and keep the other.
  direct = CAN_FILTER ? await startFaultShop(PATIENT) : shop;
});
afterEach(async () => {
  firewall.lift();
  shop.relay.firstAnswerDelayMs = 0;
  await shop.expectAtRest();
  await direct.expectAtRest();
});
afterAll(async () => {
  await shop.close();
  await direct.close();
});

interface Reset {
  readonly how: string;
  of(): FaultShop;
  begin(): void;
  end(): void;
}

const resets: readonly Reset[] = [
  { how: 'a relay resets all of them once', of: () => shop, begin: () => shop.relay.cut(), end: () => undefined },
  ...(CAN_FILTER
    ? [
        {
          how: 'iptables answers whatever they send with a reset',
          of: () => direct,
          begin: () => firewall.set('REJECT', direct.postgres.port),
          end: () => firewall.lift(),
        },
      ]
    : []),
];

describeFault('F10: connections are reset under load', () => {
  it.each(resets)('$how: who is in flight is told at once, and nobody else', NOISE, async ({ of, begin, end }) => {
    const met = await underLoad(
      of(),
      async () => {
        begin();
        await until(() => of().pool('checkout').state === 'down');
        const downAtMs = Date.now();
        await lasts(150);
        end();
        return { downAtMs, acceptsAtMs: Date.now() };
      },
      OFTEN,
    );
    expectOnlyInFlightLost(met);
    expectSoonServed(met);
  });
});

/** Does something, and tells how many connections the pool of checkouts opened at once meanwhile. */
async function mostConnecting(during: Promise<unknown>): Promise<number> {
  let most = 0;
  let over = false;
  void during.finally(() => {
    over = true;
  });
  await until(() => {
    most = Math.max(most, shop.pool('checkout').gauges().connecting);
    return over;
  });
  return most;
}

describeFault('F11: the server is slow to accept', () => {
  it(
    'its postmaster stands still when sessions are lost: the others serve, and nobody waits for a new one',
    NOISE,
    async () => {
      const { pid } = shop.postgres;
      if (pid === undefined) throw new Error('the server does not run');
      let most = 0;
      let victims: number[] = [];
      try {
        const met = await underLoad(
          shop,
          async () => {
            await until(() => shop.pool('checkout').gauges().total === WARM);
            const { lost } = shop.pool('checkout').gauges();
            await until(async () => {
              victims = await working(shop);
              return victims.length > 0;
            });
            process.kill(pid, 'SIGSTOP');
            for (const victim of victims) process.kill(victim, 'SIGTERM');
            await until(() => shop.pool('checkout').gauges().lost >= lost + victims.length);
            const downAtMs = Date.now();
            const { ended } = shop.stats('checkout');
            most = await mostConnecting(lasts(900));
            expect(shop.stats('checkout').ended - ended).toBeGreaterThan(20);
            process.kill(pid, 'SIGCONT');
            return { downAtMs, acceptsAtMs: Date.now() };
          },
          OFTEN,
        );
        expectOnlyInFlightLost(met);
        expect(met.checkouts.filter(({ status }) => status !== 201).length).toBeLessThanOrEqual(victims.length);
        expectSoonServed(met);
        expect(most).toBeGreaterThanOrEqual(1);
        expect(most).toBeLessThanOrEqual(4);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
    },
  );

  it('a login takes 400 ms in a surge: it is served by what comes free meanwhile', NOISE, async () => {
    await until(() => shop.pool('checkout').gauges().total === WARM);
    const { opened } = shop.pool('checkout').gauges();
    shop.relay.firstAnswerDelayMs = LOGIN_MS;
    const loading = shop.load(1_500, [
      checkoutStream('usual', 40),
      checkoutStream('surge', 800, { fromMs: 500, toMs: 575 }),
    ]);
    const most = await mostConnecting(loading);
    const { of, noiseMs } = await loading;
    expect(failures(of('surge'))).toEqual({});
    expect(latencyAt(of('surge'), 0.5)).toBeLessThan(LOGIN_MS / 2 + noiseMs);
    expect(shop.pool('checkout').gauges().opened).toBeGreaterThan(opened);
    expect(most).toBeLessThanOrEqual(4);
  });
});
