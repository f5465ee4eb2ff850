import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Retries } from '../load/plan.js';
import { type Call, checkoutStream, endedBetween, failures, inTime, latencyAt, sentBetween } from './calls.js';
import { type FaultShop, startFaultShop } from './fault-shop.js';

// F61: callers who are refused come back, three times each, and make of one overload a larger one.

/** Two seats of 20 ms: about 90/s, which the storm offers six times. */
const SEATS = 2;
const USUAL_PER_SECOND = 20;
const STORM_PER_SECOND = 500;
const STORM = { fromMs: 1_500, toMs: 3_500 };

let shop: FaultShop;

beforeAll(async () => {
  shop = await startFaultShop({ checkoutWorkMs: 20, env: { SLUICE_POOL_CHECKOUT_MAX: String(SEATS) } });
});
afterAll(() => shop.close());

interface Storm {
  readonly usual: readonly Call[];
  readonly storm: readonly Call[];
  readonly retried: number;
  readonly retryAfters: Readonly<Record<string, number>>;
  /** Answered in time while new callers of the storm came, per second. */
  readonly goodPerSecond: number;
  /** When the last request of the storm was sent, its repeats included. */
  readonly lastMs: number;
}

async function storm(retries?: Retries): Promise<Storm> {
  // Long enough for the last repeats, and for two quiet seconds after them.
  const runMs = retries?.when === 'as-told' ? 11_000 : 7_000;
  const more = { ...STORM, ...(retries === undefined ? {} : { retries }) };
  const outcome = await shop.load(runMs, [
    checkoutStream('usual', USUAL_PER_SECOND),
    checkoutStream('storm', STORM_PER_SECOND, more),
  ]);
  const [usual, calls] = [outcome.of('usual'), outcome.of('storm')];
  const during = endedBetween([...usual, ...calls], STORM.fromMs, STORM.toMs);
  const figures = outcome.result.streams.find(({ name }) => name === 'storm');
  return {
    usual,
    storm: calls,
    retried: figures?.retried ?? 0,
    retryAfters: figures?.retryAfters ?? {},
    goodPerSecond: (inTime(during).length * 1_000) / (STORM.toMs - STORM.fromMs),
    lastMs: Math.max(...calls.map(({ sentAtMs }) => sentAtMs)),
  };
}

function expectUsualAgain({ usual, lastMs }: Storm): void {
  const before = sentBetween(usual, 500, STORM.fromMs);
  const after = sentBetween(usual, lastMs + 2_000);
  expect(after.length).toBeGreaterThan(10);
  expect(failures(after)).toEqual({});
  expect(latencyAt(after, 0.9)).toBeLessThan(2 * latencyAt(before, 0.9) + 20);
}

describe('F61: clients that retry three times', () => {
  let alone: Storm;

  it('(the same storm of clients that do not)', { timeout: 30_000 }, async () => {
    alone = await storm();
    expect(alone.retried).toBe(0);
    expect(alone.goodPerSecond).toBeGreaterThan(20);
    expectUsualAgain(alone);
    await shop.expectAtRest();
  });

  it.each(['at-once', 'as-told'] as const)(
    '%s: each is told when, goodput stays flat, and the day is as usual afterwards',
    async (when) => {
      const stormy = await storm({ times: 3, when });
      // Without repeats worth the name this would be no storm of them.
      expect(stormy.retried).toBeGreaterThan(1_000);
      expect(stormy.goodPerSecond / alone.goodPerSecond).toBeGreaterThan(0.6);
      const shed = stormy.storm.filter(({ status }) => status === 503);
      const waits = shed.map(({ retryAfterMs }) => retryAfterMs);
      expect(Math.min(...waits)).toBeGreaterThan(0);
      expect(new Set(waits).size).toBeGreaterThan(5);
      expectUsualAgain(stormy);
      await shop.expectAtRest();
    },
  );

  it('are refused for little', { timeout: 30_000 }, async () => {
    const [low, high] = [await cost(300), await cost(2_000)];
    // Two loads serve the same and refuse differently: two equations for what a served and a refused one cost.
    const determinant = low.served * high.refused - high.served * low.refused;
    const servedMs = (low.cpuMs * high.refused - high.cpuMs * low.refused) / determinant;
    const refusedMs = (low.served * high.cpuMs - high.served * low.cpuMs) / determinant;
    expect(refusedMs).toBeLessThan(servedMs / 3);
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
  const { of } = await shop.load(2_000, [checkoutStream('checkout', ratePerSecond)]);
  const { user, system } = process.cpuUsage(cpu);
  const calls = of('checkout');
  const served = calls.filter(({ status }) => status === 201).length;
  return { served, refused: calls.length - served, cpuMs: (user + system) / 1_000 };
}
