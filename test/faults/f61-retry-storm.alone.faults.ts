import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Retries } from '../load/plan.js';
import { type Call, checkoutStream, endedBetween, failures, inTime, latencyAt, sentBetween } from './calls.js';
import { type FaultShop, NOISE, startFaultShop } from './fault-shop.js';

// F61: callers who are refused come back, three times each, and make of one overload a larger one.

/**
 * Two seats of 40 ms: about 47/s, which the storm offers five times, before anybody comes back. With those who do it is
 * near 1,000/s: no slow machine has to refuse more than it can parse, which would be another test.
 */
const SEATS = 2;
const WORK_MS = 40;
const USUAL_PER_SECOND = 10;
const STORM_PER_SECOND = 230;
const STORM = { fromMs: 1_300, toMs: 3_300 };
/** Three repeats, a second apart as they are told. */
const TAIL_MS = 3_500;
const RECOVERY_MS = 2_000;

let shop: FaultShop;

beforeAll(async () => {
  shop = await startFaultShop({ checkoutWorkMs: WORK_MS, env: { SLUICE_POOL_CHECKOUT_MAX: String(SEATS) } });
});
afterAll(() => shop.close());

interface Storm {
  readonly usual: readonly Call[];
  readonly storm: readonly Call[];
  readonly retried: number;
  /** Answered in time while new callers of the storm came, per second. */
  readonly goodPerSecond: number;
  /** When the last request of the storm was sent, its repeats included. */
  readonly lastMs: number;
}

async function storm(retries?: Retries): Promise<Storm> {
  const tailMs = retries?.when === 'as-told' ? TAIL_MS : 0;
  const runMs = STORM.toMs + (retries === undefined ? 200 : tailMs + RECOVERY_MS + 1_000);
  const more = { ...STORM, ...(retries === undefined ? {} : { retries }) };
  const outcome = await shop.load(runMs, [
    checkoutStream('usual', USUAL_PER_SECOND),
    checkoutStream('storm', STORM_PER_SECOND, more),
  ]);
  const [usual, calls] = [outcome.of('usual'), outcome.of('storm')];
  const during = endedBetween([...usual, ...calls], STORM.fromMs, STORM.toMs);
  return {
    usual,
    storm: calls,
    retried: outcome.result.streams.reduce((sum, stream) => sum + stream.retried, 0),
    goodPerSecond: (inTime(during).length * 1_000) / (STORM.toMs - STORM.fromMs),
    lastMs: Math.max(...calls.map(({ sentAtMs }) => sentAtMs)),
  };
}

/** From two seconds after the last request of the storm on, everything is as before it. */
function expectUsualAgain({ usual, lastMs }: Storm): void {
  const before = sentBetween(usual, 500, STORM.fromMs);
  const after = sentBetween(usual, lastMs + RECOVERY_MS);
  expect(after.length).toBeGreaterThan(5);
  expect(failures(after)).toEqual({});
  expect(latencyAt(after, 0.9)).toBeLessThan(2 * latencyAt(before, 0.9) + 20);
}

describe('F61: clients that retry three times', () => {
  it('at once or as told: goodput stays flat, and the day is as usual afterwards', NOISE, async () => {
    const alone = await storm();
    expect(alone.retried).toBe(0);
    expect(alone.goodPerSecond).toBeGreaterThan(30);
    for (const when of ['at-once', 'as-told'] as const) {
      const stormy = await storm({ times: 3, when });
      // Without repeats worth the name this would be no storm of them.
      expect(stormy.retried, when).toBeGreaterThan(450);
      expect(stormy.goodPerSecond / alone.goodPerSecond, when).toBeGreaterThan(0.75);
      expectUsualAgain(stormy);
      const waits = stormy.storm.filter(({ code }) => code === 'queue_full').map(({ retryAfterMs }) => retryAfterMs);
      expect(Math.min(...waits)).toBeGreaterThan(0);
      expect(new Set(waits).size).toBeGreaterThan(5);
      await shop.expectAtRest();
    }
  });

  it('are refused for little', NOISE, async () => {
    const [low, high] = [await cost(300), await cost(2_000)];
    // Two loads serve the same and refuse differently: two equations for what a served and a refused one cost.
    const determinant = low.served * high.refused - high.served * low.refused;
    const servedMs = (low.cpuMs * high.refused - high.cpuMs * low.refused) / determinant;
    const refusedMs = (low.served * high.cpuMs - high.served * low.cpuMs) / determinant;
    expect(refusedMs).toBeGreaterThan(0);
    expect(refusedMs).toBeLessThan(servedMs / 4);
    await shop.expectAtRest();
  });
});

interface Cost {
  readonly served: number;
  readonly refused: number;
  readonly cpuMs: number;
}

/** What the process of the shop uses under a load far beyond its seats. */
async function cost(ratePerSecond: number): Promise<Cost> {
  const cpu = process.cpuUsage();
  const { of } = await shop.load(1_500, [checkoutStream('checkout', ratePerSecond)]);
  const { user, system } = process.cpuUsage(cpu);
  const calls = of('checkout');
  const served = calls.filter(({ status }) => status === 201).length;
  return { served, refused: calls.length - served, cpuMs: (user + system) / 1_000 };
}
