import { describe, expect, it } from 'vitest';
import { compareFates } from '../../../src/cli/replay/fate-changes.js';
import type { LoggedRequest } from '../../../src/cli/replay/logged-request.js';
import { readTraffic } from '../../../src/cli/replay/requests.js';
import { whatIf } from '../../../src/cli/replay/what-if.js';
import { decodeLog } from '../../../src/telemetry/decision-log/log-document.js';
import { recordedRun } from '../../support/recorded-run.js';

/** Two classes on three seats at twice their capacity; the bucket of the lower one is too small as well. */
const options = {
  pools: { main: { max: 3 } },
  routes: {
    checkout: { pool: 'main', priority: 'critical', deadlineMs: 300 },
    search: { pool: 'main', deadlineMs: 400, ratePerSecond: 60, burst: 20 },
  },
} as const;

/** Requests by what became of them. */
function countFates(requests: readonly LoggedRequest[]): Map<string, number> {
  const counted = new Map<string, number>();
  for (const { fate } of requests) counted.set(fate, (counted.get(fate) ?? 0) + 1);
  return counted;
}

describe('the requests of a log', () => {
  it('are told with what became of each', () => {
    const { bytes, fates } = recordedRun(options, 3_000);
    expect(fates.get('rate_limited')).toBeGreaterThan(100);
    expect(fates.size).toBeGreaterThan(2);
    expect(countFates(readTraffic(decodeLog(bytes)).requests)).toEqual(fates);
  });

  it('are told so too where nobody is given up before the deadline', () => {
    const pools = { main: { max: 3, feasibility: false, eviction: false } };
    const routes = { checkout: options.routes.checkout, search: { pool: 'main', deadlineMs: 25 } };
    const { bytes, fates } = recordedRun({ pools, routes }, 3_000);
    const log = decodeLog(bytes);
    const traffic = readTraffic(log);
    expect(traffic.outcome).toMatchObject({ difference: undefined, matched: traffic.outcome.decisions });
    expect(fates.get('deadline_expired')).toBeGreaterThan(20);
    expect(countFates(traffic.requests)).toEqual(fates);
    const { fates: own } = whatIf(log, traffic, log.settings, 1);
    expect(compareFates(traffic.requests, own, own, 0)).toMatchObject({ changed: 0, uncertain: 0, requests: 3_000 });
  });

  it('come to the same ends in a run with the same settings, refunds of tokens included', () => {
    const log = decodeLog(recordedRun(options, 3_000).bytes);
    const traffic = readTraffic(log);
    const { fates, drawn } = whatIf(log, traffic, log.settings, 1);
    const { changed, uncertain, requests } = compareFates(traffic.requests, fates, fates, 0);
    expect({ changed, uncertain, requests }).toEqual({ changed: 0, uncertain: 0, requests: 3_000 });
    expect(drawn).toBeLessThan(100);
  });

  it('come to the same ends where the process was so busy that timers, answers and hand-outs were late', () => {
    const log = decodeLog(recordedRun(options, 3_000, undefined, true).bytes);
    const traffic = readTraffic(log);
    expect(traffic.outcome.difference).toBeUndefined();
    const { fates } = whatIf(log, traffic, log.settings, 1);
    expect(compareFates(traffic.requests, fates, fates, 0)).toMatchObject({
      changed: 0,
      uncertain: 0,
      requests: 3_000,
    });
  });

  it('are each there once where the beginning is gone, and those that were under way then keep their seats', () => {
    const log = decodeLog(recordedRun(options, 3_000, 4_000).bytes);
    expect(log.first).toBeGreaterThan(4_000);
    const traffic = readTraffic(log);
    expect(traffic.outcome.difference).toBeUndefined();
    const names = traffic.requests.map(({ route, arrivedAtMs }) => `${route} ${arrivedAtMs}`);
    expect(new Set(names).size).toBe(names.length);
    const carried = traffic.requests.filter(({ carriedOver }) => carriedOver);
    expect(carried.length).toBeGreaterThan(0);
    const { fates } = whatIf(log, traffic, log.settings, 1);
    expect(carried.some((request) => fates.get(request) === 'admitted')).toBe(true);
    // They take the state at the head up.
    const { uncertain, requests } = compareFates(traffic.requests, fates, fates, 0);
    expect(uncertain).toBeLessThan(requests * 0.02);
  });
});
