import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TENANT_HEADER } from '../bench/tenants/tenant-shop.js';
import { type Call, checkoutStream, inTime, latencyAt, sentBetween } from './calls.js';
import { type FaultShop, NOISE, startFaultShop } from './fault-shop.js';

// F64: one tenant sends a hundred times what each of the others does, and alone more than there are seats for.

const SEATS = 4;
const TENANTS = 5;
const PER_TENANT = 4;
const RUN_MS = 3_000;

let shop: FaultShop;
/** What the others meet without it. */
let before: readonly Call[];

beforeAll(async () => {
  const env = { SLUICE_POOL_CHECKOUT_MAX: String(SEATS) };
  shop = await startFaultShop({ checkoutWorkMs: 20, env, tenants: true });
  before = settled((await shop.load(RUN_MS, [quiet])).of('quiet'));
});
afterAll(() => shop.close());

const headersOf = (tenant: string): Record<string, string> => ({ [TENANT_HEADER]: tenant });
const quiet = checkoutStream('quiet', TENANTS * PER_TENANT, { headers: headersOf(`quiet-{{int 1 ${TENANTS}}}`) });

/** Those that everybody has got used to: the beginning of a run is not counted. */
function settled(calls: readonly Call[]): Call[] {
  return sentBetween(calls, 1_000);
}

describe('F64: a tenant that sends a hundred times as much', () => {
  it.each([
    { how: 'under its own name', tenant: 'loud' },
    // Every request of it in another name: that may not gain it a share for each.
    { how: 'under ever new names', tenant: 'loud-{{int 1 1000000}}' },
  ])('$how leaves the others alone', NOISE, async ({ tenant }) => {
    const flood = checkoutStream('flood', 100 * PER_TENANT, { headers: headersOf(tenant) });
    const { of } = await shop.load(RUN_MS, [quiet, flood]);
    const beside = settled(of('quiet'));
    const share = (calls: readonly Call[]): number => inTime(calls).length / calls.length;
    // It really is too much.
    expect(share(of('flood'))).toBeLessThan(0.7);
    expect(share(beside)).toBeGreaterThan(0.97);
    // Without shares of their own they would wait as long as the flood does: 150 ms and more.
    expect(latencyAt(beside, 0.9)).toBeLessThan(2 * latencyAt(before, 0.9) + 30);
    await shop.expectAtRest();
  });
});
