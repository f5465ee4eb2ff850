import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkoutStream, endedBetween, failures, inTime, latencyAt, sentBetween } from './calls.js';
import { type FaultShop, NOISE, startFaultShop } from './fault-shop.js';

// F62: ten times what can be served, and then the usual again. What must not happen is a state that keeps itself alive:
// a queue in which everybody served has left already.

const SEATS = 2;
const OVERLOAD_MS = 2_500;

let shop: FaultShop;

beforeAll(async () => {
  shop = await startFaultShop({ checkoutWorkMs: 20, env: { SLUICE_POOL_CHECKOUT_MAX: String(SEATS) } });
});
afterAll(() => shop.close());

/** What two seats can do: callers back to back, one more than there are seats. */
async function capacity(): Promise<number> {
  const arrivals = { kind: 'closed', callers: SEATS + 1 } as const;
  const { of } = await shop.load(1_700, [checkoutStream('checkout', 1, { arrivals })]);
  return inTime(endedBetween(of('checkout'), 500, 1_700)).length / 1.2;
}

describe('F62: ten times the capacity, then as usual', () => {
  it('keeps goodput during it, and is as before two seconds after it', NOISE, async () => {
    const before = await capacity();
    const usualPerSecond = before / 2;
    const from = 1_500;
    const to = from + OVERLOAD_MS;
    const { of } = await shop.load(to + 3_500, [
      checkoutStream('usual', usualPerSecond),
      checkoutStream('flood', 10 * before, { fromMs: from, toMs: to }),
    ]);
    const after = await capacity();
    const usual = of('usual');
    const good = inTime(endedBetween([...usual, ...of('flood')], from, to)).length / (OVERLOAD_MS / 1_000);
    expect(of('flood').length).toBeGreaterThan(9 * before * (OVERLOAD_MS / 1_000));
    expect(good / ((before + after) / 2)).toBeGreaterThan(0.75);
    const quiet = sentBetween(usual, 500, from);
    const again = sentBetween(usual, to + 2_000);
    expect(failures(again)).toEqual({});
    expect(latencyAt(again, 0.95)).toBeLessThan(2 * latencyAt(quiet, 0.95) + 20);
    // And the seats are worth what they were.
    expect(after / before).toBeGreaterThan(0.7);
    await shop.expectAtRest();
  });
});
