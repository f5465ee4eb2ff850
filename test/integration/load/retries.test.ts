import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { LoadPlan, Retries, StreamResult } from '../../load/plan.js';
import { processCpuMs } from '../../load/process-cpu.js';
import { requestMaker } from '../../load/request-text.js';
import { runPlan } from '../../load/run-plan.js';

let server: Server | undefined;

afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve) ?? resolve(undefined));
  server = undefined;
});

async function run(listener: RequestListener, retries: Retries, plan: Partial<LoadPlan> = {}): Promise<StreamResult> {
  server = createServer(listener);
  const listening = server;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const { port } = listening.address() as AddressInfo;
  const arrivals = { kind: 'uniform', ratePerSecond: 100, toMs: 200 } as const;
  const stream = { name: 'checkout', method: 'GET', path: '/{{int 1 100000}}', arrivals, retries };
  const bounds = { deadlineMs: 1_000, unansweredAfterMs: 1_000 };
  const whole = { seed: 1, warmUpMs: 0, measureMs: 400, coolDownMs: 0, streams: [{ ...stream, ...bounds }] };
  const [result] = (await runPlan({ port, ...whole, ...plan })).streams;
  if (result === undefined) throw new Error('no result');
  return result;
}

/** Refuses each path as often as told, with these headers, and counts how often it was asked for. */
function refusing(
  times: number,
  status = 503,
  headers: Record<string, string> = {},
): [RequestListener, () => number[]] {
  const asked = new Map<string, number>();
  const listener: RequestListener = ({ url = '' }, response) => {
    const before = asked.get(url) ?? 0;
    asked.set(url, before + 1);
    response.writeHead(before < times ? status : 200, headers).end('{}');
  };
  return [listener, () => [...asked.values()]];
}

describe('callers that come back', () => {
  it('send the same request again until it is served', async () => {
    const [listener, asked] = refusing(2);
    const result = await run(listener, { times: 3, when: 'at-once' });
    expect(asked()).toEqual(Array.from({ length: 20 }, () => 3));
    expect(result).toMatchObject({ offered: 60, retried: 40, good: 20, refused: 40, statuses: { 200: 20, 503: 40 } });
  });

  it('give up after so many times', async () => {
    const [listener, asked] = refusing(100, 429);
    expect(await run(listener, { times: 3, when: 'at-once' })).toMatchObject({ retried: 60, good: 0, refused: 80 });
    expect(new Set(asked())).toEqual(new Set([4]));
  });

  it('come back for nothing but 429 and 503', async () => {
    const [listener] = refusing(1, 504);
    expect(await run(listener, { times: 3, when: 'at-once' })).toMatchObject({ retried: 0, refused: 20 });
  });

  it('wait as long as they are told, and not beyond the end of the run', async () => {
    const [listener, asked] = refusing(1, 503, { 'Retry-After': '1' });
    const result = await run(listener, { times: 3, when: 'as-told' }, { measureMs: 1_100 });
    // Who was refused in the first 0.1 s is back within 1.1 s; the others would come after the end.
    const retried = asked().filter((count) => count === 2).length;
    expect(result.retried).toBe(retried);
    expect(retried).toBeGreaterThan(0);
    expect(retried).toBeLessThan(20);
    expect(result.retryAfters).toEqual({ 1: 20 });
  });

  it('are bounded', () => {
    const [listener] = refusing(1);
    return expect(run(listener, { times: 11, when: 'at-once' })).rejects.toThrow(/retries\.times .* 1 and 10/);
  });
});

it('fills places in headers', () => {
  const arrivals = { kind: 'closed', callers: 1 } as const;
  const stream = { name: 's', method: 'GET', path: '/', arrivals, deadlineMs: 1, unansweredAfterMs: 1 };
  const next = requestMaker({ ...stream, headers: { 'X-Tenant': 't{{int 7 9}}' } }, 80, 1);
  const seen = new Set(Array.from({ length: 50 }, () => /\r\nX-Tenant: (.*)\r\n/.exec(next())?.[1]));
  expect(seen).toEqual(new Set(['t7', 't8', 't9']));
});

describe('processCpuMs', () => {
  it('counts what this process has used, where the system tells', () => {
    const before = processCpuMs(process.pid);
    if (before === undefined) return expect(process.platform).not.toBe('linux');
    // Others may have the processor meanwhile, and the system counts in steps of 10 ms.
    const { user, system } = process.cpuUsage();
    const own = (): number => {
      const used = process.cpuUsage();
      return (used.user - user + used.system - system) / 1_000;
    };
    while (own() < 100);
    const usedMs = (processCpuMs(process.pid) ?? Number.NaN) - before;
    expect(usedMs).toBeGreaterThanOrEqual(80);
    expect(usedMs).toBeLessThanOrEqual(own() + 50);
  });

  it('is unknown for a process that is not there', () => {
    expect(processCpuMs(2 ** 30)).toBeUndefined();
  });
});
