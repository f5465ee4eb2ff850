import { expect } from 'vitest';
import { ask } from '../integration/pools/pool-fixture.js';
import type { StreamPlan } from '../load/plan.js';
import { type Call, checkoutStream, endedBetween, failures, latencyAt, sentBetween } from './calls.js';
import type { FaultShop, FaultShopOptions } from './fault-shop.js';
import { lasts, until } from './until.js';

/** Little to do for the processor, and as many in flight as a fault has to meet. */
const PER_SECOND = 60;
const LASTING_MS = 100;
/** A fault that lasts longer than this has gone wrong. */
const LONGEST_MS = 30_000;
/** For enough of each kind to be sent once the recovery is over. */
const AFTER_MS = 800;
/** The slowest of some reads, on a machine that has nothing else to do. */
const USUAL_MS = 10;

/** A shop whose checkouts last long enough to be met by a fault, and can wait for the end of one that is short. */
export const PATIENT: FaultShopOptions & { readonly env: Readonly<Record<string, string>> } = {
  checkoutWorkMs: 40,
  env: { SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '4000' },
};

/** What a fault may cost by the pass marks, in milliseconds. */
export const MARKS = {
  overshootMs: 25,
  doubtMs: 50,
  refusalMs: 10,
  recoveryMs: 500,
  recoveryFromSilenceMs: 1_000,
} as const;

/** The same with so much to wait for in each that few make as many in flight. */
export const LASTING: typeof PATIENT = { ...PATIENT, checkoutWorkMs: LASTING_MS };

/** The same where all that can wait may: how much that is, is not what a fault is about that leaves few connections. */
export const UNBOUNDED: typeof PATIENT = {
  ...PATIENT,
  env: { ...PATIENT.env, SLUICE_POOL_CHECKOUT_EVICTION: 'false' },
};

/** Reads of products: what is short, and cannot wait for a server. */
export const products: StreamPlan = {
  name: 'product',
  method: 'GET',
  path: '/products/{{int 1 1000}}',
  arrivals: { kind: 'poisson', ratePerSecond: PER_SECOND },
  deadlineMs: 500,
  unansweredAfterMs: 15_000,
};

/** When a server was known to be away, and when it accepted again, by the clock of the wall. */
export interface Away {
  readonly downAtMs: number;
  readonly acceptsAtMs: number;
}

/** What a load met; instants in milliseconds from its start. */
export interface Met {
  readonly checkouts: readonly Call[];
  readonly products: readonly Call[];
  /** Checkouts with a seat when the fault struck. */
  readonly inFlight: number;
  readonly downMs: number;
  readonly acceptsMs: number;
  /** {@link Outcome.noiseMs}, and what made the slowest read so slow that was answered before the fault. */
  readonly noiseMs: number;
}

/** How {@link underLoad} loads. */
export interface LoadOptions {
  readonly checkoutsPerSecond?: number;
  /** For the recovery, in milliseconds: the load goes on for so long, and then for long enough to judge it. */
  readonly recoveryMs?: number;
}

/**
 * Loads the shop, lets the fault strike while checkouts are in flight, and checks that what callers were told is true.
 * The load lasts until some time after the fault, however long this machine takes for it.
 */
export async function underLoad(
  shop: FaultShop,
  strike: () => Promise<Away>,
  { checkoutsPerSecond = PER_SECOND, recoveryMs = MARKS.recoveryMs }: LoadOptions = {},
): Promise<Met> {
  const checkout = shop.stats('checkout');
  const before = await ordersOf(shop);
  const ended = checkout.ended;
  let end: () => void = () => undefined;
  const ending = new Promise<void>((resolve) => {
    end = resolve;
  });
  const loading = shop.load(LONGEST_MS, [checkoutStream('checkout', checkoutsPerSecond), products], ending);
  let inFlight = 0;
  let struckAtMs = 0;
  const struck = (async (): Promise<Away> => {
    await until(() => checkout.ended - ended >= 20 && checkout.inFlight >= 3 && shop.queued() === 0);
    ({ inFlight } = checkout);
    struckAtMs = Date.now();
    const away = await strike();
    await lasts(recoveryMs + AFTER_MS);
    return away;
  })().finally(end);
  await Promise.allSettled([struck, loading]);
  const { downAtMs, acceptsAtMs } = await struck;
  const { result, of, noiseMs } = await loading;
  expectTold(of('checkout'), (await ordersOf(shop)) - before);
  const sinceStart = (atMs: number): number => atMs - result.startedAtEpochMs;
  // What others take from the server's processes shows in what was slow before there was a fault.
  const slowestMs = latencyAt(endedBetween(of('product'), 0, sinceStart(struckAtMs)), 1);
  return {
    checkouts: of('checkout'),
    products: of('product'),
    inFlight,
    downMs: sinceStart(downAtMs),
    acceptsMs: sinceStart(acceptsAtMs),
    noiseMs: noiseMs + Math.max(0, slowestMs - USUAL_MS),
  };
}

/** Resolves when every pool knows that its server is away. */
export async function allDown(shop: FaultShop): Promise<number> {
  await until(() => [...shop.gateway.telemetry().pools()].every(({ state }) => state === 'down'));
  return Date.now();
}

/** Who was in flight was told once that its connection is lost; nobody else noticed anything but time. */
export function expectOnlyInFlightLost({ checkouts, inFlight, downMs }: Met): void {
  const codes = Object.keys(failures(checkouts)).filter((key) => !/^50[34] connection_lost$/.test(key));
  expect(codes).toEqual([]);
  const lost = checkouts.filter(({ code }) => code === 'connection_lost');
  expect(lost.length).toBeGreaterThanOrEqual(1);
  // Some may have ended and others begun between the look and the stroke.
  expect(lost.length).toBeLessThanOrEqual(inFlight + 4);
  expect(Math.max(...lost.map(({ sentAtMs }) => sentAtMs))).toBeLessThanOrEqual(downMs);
}

/** While the server was known to be away, who could not wait was told so, and at once. At first it may be one session. */
export function expectRefusedAtOnce(calls: readonly Call[], fromMs: number, toMs: number, noiseMs: number): void {
  const meanwhile = sentBetween(calls, fromMs + MARKS.doubtMs, toMs - MARKS.refusalMs);
  expect(meanwhile.length).toBeGreaterThan(10);
  expect(failures(meanwhile)).toEqual({ '503 database_unavailable': meanwhile.length });
  expect(latencyAt(meanwhile, 0.99)).toBeLessThanOrEqual(MARKS.refusalMs + noiseMs);
}

/** Of calls with a deadline of so many milliseconds none was answered much later than that. */
export function expectAnsweredInTime(calls: readonly Call[], deadlineMs: number, noiseMs: number): void {
  expect(latencyAt(calls, 0.99) - deadlineMs).toBeLessThanOrEqual(MARKS.overshootMs + noiseMs);
}

/** Soon after the server accepts again the first is served, and from then on everybody. */
export function expectSoonServed(
  { checkouts, products: reads, acceptsMs, noiseMs }: Met,
  recoveryMs: number = MARKS.recoveryMs,
): void {
  for (const calls of [checkouts, reads]) {
    const servedMs = calls.filter(({ status, endedAtMs }) => status < 300 && endedAtMs > acceptsMs);
    const firstMs = Math.min(...servedMs.map(({ endedAtMs }) => endedAtMs));
    expect(firstMs - acceptsMs).toBeLessThanOrEqual(recoveryMs + noiseMs);
    const later = sentBetween(calls, acceptsMs + recoveryMs + noiseMs);
    expect(later.length).toBeGreaterThan(10);
    expect(failures(later)).toEqual({});
  }
}

/** Every order that was promised is there; beyond them only those whose callers were told that nobody knows. */
function expectTold(checkouts: readonly Call[], orders: number): void {
  const promised = checkouts.filter(({ status }) => status === 201).length;
  const unknown = checkouts.filter(({ status }) => status === 504).length;
  expect(orders, 'orders placed').toBeGreaterThanOrEqual(promised);
  expect(orders, 'orders placed').toBeLessThanOrEqual(promised + unknown);
}

/** Server processes that run the extra work of a checkout at this instant, the one that began last first. */
export async function working(shop: FaultShop): Promise<number[]> {
  const rows = await ask<{ pid: number }>(
    shop.postgres.url,
    `SELECT pid FROM pg_stat_activity
      WHERE application_name = 'sluice-shop' AND state = 'active' AND query LIKE '%pg_sleep%' ORDER BY query_start DESC`,
  );
  return rows.map(({ pid }) => pid);
}

async function ordersOf(shop: FaultShop): Promise<number> {
  const [row] = await ask<{ n: number }>(shop.postgres.url, 'SELECT count(*)::int AS n FROM orders');
  return row?.n ?? 0;
}
