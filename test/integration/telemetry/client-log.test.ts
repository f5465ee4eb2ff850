import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type RunningShop, startShop } from '../shop/shop-harness.js';
import { scrape } from './scrape.js';

let shop: RunningShop;
let server: Server;
let origin: string;
/** Long enough that 1 % is more than what a busy machine adds to both sides. */
const WORK_MS = 2_000;
const agent = new Agent({ keepAlive: true });

afterEach(async () => {
  await shop.close();
  agent.destroy();
  server.closeAllConnections();
  server.close();
});

/** What a client saw, without a word from the server's own counters. */
interface Seen {
  readonly path: string;
  readonly status: number;
  readonly code: string | undefined;
  readonly tookMs: number;
}

/** Sends one request by the plainest means: what the client itself takes is in its log and nowhere else. */
async function send(origin: string, path: string, order?: object): Promise<Seen> {
  const headers = { 'content-type': 'application/json' };
  const sent = request(origin + path, order === undefined ? { agent } : { agent, method: 'POST', headers });
  const beganMs = performance.now();
  sent.end(order === undefined ? undefined : JSON.stringify(order));
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const tookMs = performance.now() - beganMs;
  const body = (await json(response)) as { readonly code?: string };
  return { path, status: response.statusCode ?? 0, code: body.code, tookMs };
}

/** So many callers, each with its next request as soon as it has its answer. */
async function callers(count: number, each: number, call: (caller: number) => Promise<Seen>): Promise<Seen[]> {
  const one = async (caller: number): Promise<Seen[]> => {
    const seen: Seen[] = [];
    while (seen.length < each) seen.push(await call(caller));
    return seen;
  };
  return (await Promise.all(Array.from({ length: count }, (_, caller) => one(caller)))).flat();
}

const total = (seen: readonly Seen[]): number => seen.reduce((sum, { tookMs }) => sum + tookMs, 0);
const off = (measured: number, seen: number): number => Math.abs(measured - seen) / seen;

beforeEach(async () => {
  const env = {
    SLUICE_POOL_CHECKOUT_MAX: '2',
    SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '60000',
    SLUICE_ROUTE_PRODUCT_RATE_PER_SECOND: '1',
    SLUICE_ROUTE_PRODUCT_BURST: '40',
    SLUICE_MAX_EVENT_LOOP_LAG_MS: '0',
  };
  shop = await startShop('postgres', { env, checkoutWorkMs: WORK_MS });
  server = createServer(shop.shop.app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

test('counts agree with the log of the clients', async () => {
  const products = await callers(4, 30, (caller) => send(origin, `/products/${caller === 0 ? 99_999 : caller}`));
  const counted = await scrape(origin);
  const shed = products.filter(({ status }) => status === 429);
  expect(shed.length).toBeGreaterThan(50);
  expect(shed.every(({ code }) => code === 'rate_limited')).toBe(true);
  const route = 'product';
  expect({
    arrived: counted.sum('sluice_requests_arrived_total', { route }),
    admitted: counted.sum('sluice_requests_admitted_total', { route }),
    limited: counted.sum('sluice_requests_shed_total', { route, code: 'rate_limited' }),
    shed: counted.sum('sluice_requests_shed_total', { route }),
    responses: counted.sum('sluice_response_seconds_count', { route }),
  }).toEqual({
    arrived: products.length,
    admitted: products.length - shed.length,
    limited: shed.length,
    shed: shed.length,
    responses: products.length - shed.length,
  });
});

test('durations agree with the log of the clients within 1 %', async () => {
  const checkout = (): Promise<Seen> => send(origin, '/checkout', { sku: 1, quantity: 1 });
  // The first calls of a process are slow on the client's side, too.
  await callers(4, 1, checkout);
  const attempts: number[] = [];
  // A machine that is busy with something else adds to the latency that clients see, and never takes from it.
  while (attempts.length < 10 && !attempts.some((worst) => worst < 0.01)) attempts.push(await compare(checkout));
  expect(Math.min(...attempts)).toBeLessThan(0.01);
});

/** The largest part by which a sum of durations is off. */
async function compare(checkout: () => Promise<Seen>): Promise<number> {
  const before = await scrape(origin);
  const seen = await callers(4, 1, checkout);
  const after = await scrape(origin);
  const ms = (metric: string): number => {
    const labels = { route: 'checkout' };
    return (
      (after.sum(`sluice_${metric}_seconds_sum`, labels) - before.sum(`sluice_${metric}_seconds_sum`, labels)) * 1_000
    );
  };
  expect(seen.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
  // Two of the four wait for as long as the other two take.
  expect(ms('queue_wait') / total(seen)).toBeGreaterThan(0.3);
  return Math.max(off(ms('response'), total(seen)), off(ms('queue_wait') + ms('seat_hold'), total(seen)));
}
