import { setTimeout as pause } from 'node:timers/promises';
import { createGateway, type Gateway, type GatewayOptions, isSluiceError, type RequestHandle } from 'sluice';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { compareFates } from '../../../src/cli/replay/fate-changes.js';
import { readTraffic } from '../../../src/cli/replay/requests.js';
import { whatIf } from '../../../src/cli/replay/what-if.js';
import { type DecodedLog, decodeLog } from '../../../src/telemetry/decision-log/log-document.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { LogBook } from '../http/harness.js';

let postgres: PostgresServer;
let gateway: Gateway;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
});
afterEach(() => gateway?.drain({ timeoutMs: 0 }));
afterAll(() => postgres?.close());

async function open(options: GatewayOptions): Promise<void> {
  const whole = { maxEventLoopLagMs: 0, readinessDelayMs: 0, ...options };
  gateway = await createGateway(whole, { env: {}, logger: new LogBook() });
}

/** Asks for work on each route in turn, a few a millisecond, and waits for all of it. Returns what was refused. */
async function load(routes: readonly string[], calls: number, work: (handle: RequestHandle) => Promise<unknown>) {
  const codes = new Map<string, number>();
  const count = (code: string): unknown => codes.set(code, (codes.get(code) ?? 0) + 1);
  const running: Promise<unknown>[] = [];
  for (let call = 0; call < calls; call++) {
    const route = routes[call % routes.length] ?? '';
    const leave = new AbortController();
    const options = { callerKey: `caller ${call % 7}`, ...(call % 11 === 0 ? { signal: leave.signal } : {}) };
    running.push(
      gateway.run(route, work, options).then(
        () => count('done'),
        (error: unknown) => count(isSluiceError(error) ? error.code : 'gone'),
      ),
    );
    if (call % 11 === 0) setTimeout(() => leave.abort(new Error('left')), 5);
    if (call % 6 === 0) await pause(1);
  }
  await Promise.all(running);
  return codes;
}

function documentOf(of: Gateway): DecodedLog {
  const bytes = of.decisionLog();
  if (bytes === undefined) throw new Error('there is no decision log');
  return decodeLog(bytes);
}

describe('the decision log of a gateway', () => {
  it('is not there unless it is switched on', async () => {
    await open({ routes: { bare: {} } });
    expect(gateway.decisionLog()).toBeUndefined();
  });

  it('is decided again to the same outcome after a crowd, though its beginning is gone', async () => {
    await open({
      decisionLogRecords: 1_500,
      routes: {
        checkout: { concurrency: 3, priority: 'critical', deadlineMs: 80 },
        search: { concurrency: 2, deadlineMs: 60, ratePerSecond: 300, burst: 30 },
        export: { concurrency: 2, deadlineMs: 6_000, perCaller: { key: () => undefined, ratePerSecond: 30, burst: 3 } },
      },
    });
    const codes = new Map<string, number>();
    const of = (...wanted: readonly string[]): number => wanted.reduce((sum, code) => sum + (codes.get(code) ?? 0), 0);
    const seen = (): boolean =>
      of('done') > 50 && of('rate_limited') > 50 && of('queue_full', 'deadline_unreachable') > 50;
    // How many a busy machine serves and refuses of one crowd is its own affair.
    for (let crowd = 0; !(seen() && documentOf(gateway).first > 1_000); crowd++) {
      expect(crowd).toBeLessThan(20);
      for (const [code, count] of await load(['checkout', 'search', 'export'], 2_000, () => pause(9))) {
        codes.set(code, (codes.get(code) ?? 0) + count);
      }
    }
    const log = documentOf(gateway);
    const { outcome } = readTraffic(log);
    expect(outcome.difference).toBeUndefined();
    expect(outcome.matched).toBe(outcome.decisions);
    expect(outcome.matched).toBeGreaterThan(500);
  });

  it('holds all that classes on one pool of PostgreSQL were decided, its outages included', async () => {
    await open({
      decisionLogRecords: 100_000,
      pools: { main: { url: postgres.url, max: 3 } },
      routes: {
        checkout: { pool: 'main', priority: 'critical', deadlineMs: 300 },
        search: { pool: 'main', deadlineMs: 200 },
        report: { pool: 'main', priority: 'low', deadlineMs: 10_000 },
      },
    });
    const query = (handle: RequestHandle) => handle.query('SELECT pg_sleep(0.003)');
    const codes = await load(['checkout', 'search', 'report', 'search'], 1_200, query);
    expect(codes.get('done')).toBeGreaterThan(100);
    const log = documentOf(gateway);
    expect(log.first).toBe(0);
    const traffic = readTraffic(log);
    const { outcome, requests, events } = traffic;
    expect(outcome.difference).toBeUndefined();
    expect(outcome.matched).toBeGreaterThan(2_000);
    expect(events.map(({ kind }) => kind)).toEqual(['outage', 'recovery']);
    // Every request of the log is told with what its caller was told.
    const fates = new Map<string, number>();
    for (const { fate } of requests) fates.set(fate, (fates.get(fate) ?? 0) + 1);
    for (const code of ['queue_full', 'deadline_unreachable', 'displaced']) {
      expect(fates.get(code) ?? 0, code).toBe(codes.get(code) ?? 0);
    }
    // With the same settings the run ends nearly every request as the log does.
    const { fates: own } = whatIf(log, traffic, log.settings, 1);
    const { changed, uncertain } = compareFates(requests, own, own, 0);
    expect(changed).toBe(0);
    // On a busy machine, too: the run knows how late its timers and hand-outs were, and what was learnt without stalls.
    expect(uncertain).toBeLessThan(requests.length * 0.05);
  });
});
