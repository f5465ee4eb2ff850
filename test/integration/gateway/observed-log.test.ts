import { setTimeout as pause } from 'node:timers/promises';
import { createGateway, type Gateway, isSluiceError, type RequestHandle } from 'sluice';
import { afterEach, describe, expect, it } from 'vitest';
import type { LoggedRequest } from '../../../src/cli/replay/logged-request.js';
import { readTraffic } from '../../../src/cli/replay/requests.js';
import { decodeLog } from '../../../src/telemetry/decision-log/log-document.js';
import { LogBook } from '../http/harness.js';

const ROUTES = {
  checkout: { concurrency: 3, priority: 'critical', deadlineMs: 80 },
  search: { concurrency: 2, deadlineMs: 60, ratePerSecond: 100, burst: 10 },
  export: { concurrency: 1, deadlineMs: 6_000, perCaller: { key: () => undefined, ratePerSecond: 30, burst: 3 } },
} as const;

let gateway: Gateway;
afterEach(() => gateway?.drain({ timeoutMs: 0 }));

/** Asks for work on each route in turn, a few a millisecond, some of it with too little time or a client that leaves. */
async function load(calls: number, work: (handle: RequestHandle) => Promise<unknown>): Promise<Map<string, number>> {
  const codes = new Map<string, number>();
  const count = (code: string): unknown => codes.set(code, (codes.get(code) ?? 0) + 1);
  const routes = Object.keys(ROUTES);
  const running: Promise<unknown>[] = [];
  for (let call = 0; call < calls; call++) {
    const leave = new AbortController();
    const options = {
      callerKey: `caller ${call % 7}`,
      tenant: `tenant ${call % 5}`,
      ...(call % 13 === 0 ? { budgetMs: 0 } : {}),
      ...(call % 11 === 0 ? { signal: leave.signal } : {}),
    };
    running.push(
      gateway.run(routes[call % routes.length] ?? '', work, options).then(
        () => count('done'),
        (error: unknown) => count(isSluiceError(error) ? error.code : 'gone'),
      ),
    );
    if (call % 11 === 0) setTimeout(() => leave.abort(new Error('left')), 5);
    if (call % 3 === 0) await pause(1);
  }
  await Promise.all(running);
  return codes;
}

/** Requests by what became of them. */
function countFates(requests: readonly LoggedRequest[]): Map<string, number> {
  const fates = new Map<string, number>();
  for (const { fate } of requests) fates.set(fate, (fates.get(fate) ?? 0) + 1);
  return fates;
}

describe('the decision log of a gateway in mode observe', () => {
  it.each([100_000, 1_500])('is decided again to the same outcome, with %i records', async (decisionLogRecords) => {
    const options = { mode: 'observe', maxEventLoopLagMs: 0, readinessDelayMs: 0, decisionLogRecords } as const;
    gateway = await createGateway({ ...options, routes: ROUTES }, { env: {}, logger: new LogBook() });
    const codes = await load(2_000, () => pause(9));
    // Nobody is refused.
    expect([...codes.keys()].sort()).toEqual(['done', 'gone']);
    const log = decodeLog(gateway.decisionLog() ?? new Uint8Array());
    expect(log.mode).toBe('observe');
    const { outcome, requests } = readTraffic(log);
    expect(outcome.difference).toBeUndefined();
    expect(outcome.matched).toBe(outcome.decisions);
    expect(outcome.matched).toBeGreaterThan(500);
    if (log.first > 0) return;
    // And every one of them is there, with what its shadow came to.
    expect(requests).toHaveLength(2_000);
    const fates = countFates(requests);
    const wouldShed = new Map<string, number>();
    for (const name of Object.keys(ROUTES)) {
      for (const [code, count] of Object.entries(gateway.entry(name).runtime.stats.wouldShedByCode)) {
        wouldShed.set(code, (wouldShed.get(code) ?? 0) + count);
      }
    }
    for (const code of ['queue_full', 'deadline_unreachable', 'rate_limited']) {
      expect(fates.get(code), code).toBeGreaterThan(20);
      expect(fates.get(code), code).toBe(wouldShed.get(code));
    }
  });
});
