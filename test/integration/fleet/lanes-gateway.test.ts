import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createGateway, type Gateway, type SluiceError } from 'sluice';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/config/problem.js';
import { Metrics } from '../../../src/telemetry/metrics.js';
import { RedisServer } from '../../support/redis-server.js';
import { expectBalanced, type Latch, LogBook, latch } from '../http/harness.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** As `npm test` builds it. */
const CHILD = ['dist/test/support/lane-instance.js'];

let server: RedisServer;
const gateways: Gateway[] = [];
const held: (() => Promise<void>)[] = [];

beforeAll(async () => {
  server = await RedisServer.start();
});
afterEach(async () => {
  await Promise.all(held.splice(0).map((end) => end()));
  const ended = gateways.splice(0);
  for (const gateway of ended) await gateway.drain({ timeoutMs: 0 });
  await server.stop();
  await server.start();
  for (const gateway of ended) for (const { name, stats } of gateway.telemetry().routes()) expectBalanced(stats, name);
});
afterAll(() => server.close());

interface Settings {
  readonly deadlineMs?: number;
  readonly maxQueued?: number;
  readonly concurrency?: number;
}

async function begin(places: number, settings: Settings = {}): Promise<Gateway<'report' | 'other'>> {
  const report = { priority: 'low', ratePerSecond: 1_000, deadlineMs: 30_000, fleetMaxConcurrent: places } as const;
  const gateway = await createGateway(
    { redisUrl: server.url, readinessDelayMs: 0, routes: { report: { ...report, ...settings }, other: {} } },
    { env: {}, logger: new LogBook() },
  );
  gateways.push(gateway);
  await expect.poll(() => laneOf(gateway)?.instances).toBeGreaterThan(0);
  return gateway;
}

function laneOf(gateway: Gateway) {
  return gateway.snapshot().routes.find(({ name }) => name === 'report')?.lane;
}

/** Holds a place until the latch is opened. */
async function hold(gateway: Gateway<'report' | 'other'>): Promise<{ end: Latch; run: Promise<void> }> {
  const end = latch();
  const inside = latch();
  const run = gateway.run('report', () => {
    inside.open();
    return end.promise;
  });
  run.catch(() => {});
  held.push(() => {
    end.open();
    return run.catch(() => {});
  });
  await inside.promise;
  return { end, run };
}

const refusal = (run: Promise<unknown>): Promise<SluiceError> =>
  run.then(
    () => expect.fail('it was not refused'),
    (error: SluiceError) => error,
  );

describe('a route with a lane', () => {
  it('waits for a place at another instance, holds no seat meanwhile, and goes on when it is there', async () => {
    const [one, other] = [await begin(1), await begin(1, { concurrency: 1 })];
    const { end } = await hold(one);
    const waits = other.run('report', async () => 'done');
    await expect.poll(() => laneOf(other)?.waiting).toBe(1);
    expect(other.snapshot().routes[0]?.seats).toEqual({ limit: 1, inFlight: 0, queued: 0 });
    expect(laneOf(one)).toMatchObject({ max: 1, inUse: 1, waiting: 0 });
    end.open();
    expect(await waits).toBe('done');
    expect(other.snapshot().routes[0]).toMatchObject({ queued: 1, admitted: 1 });
  });

  it('gives no place to one whose time is over by what was learned while it waited, but to the next', async () => {
    const gateway = await begin(4, { deadlineMs: 5_000 });
    const holders = [await hold(gateway), await hold(gateway), await hold(gateway), await hold(gateway)];
    const sinceMs = performance.now();
    const begun: string[] = [];
    const late = refusal(gateway.run('report', async () => begun.push('late')));
    // Nobody knows yet how long it takes: in the end it is more than what is left to the one, not to the other.
    await expect.poll(() => performance.now() - sinceMs).toBeGreaterThan(2_800);
    const next = gateway.run('report', async () => begun.push('next'));
    await expect.poll(() => laneOf(gateway)?.waiting).toBe(2);
    for (const { end } of holders) end.open();
    await next;
    expect(begun).toEqual(['next']);
    expect(await late).toMatchObject({ code: 'fleet_limited', outcome: 'not_started' });
  });

  it('refuses with fleet_limited when the deadline comes first', async () => {
    const [one, other] = [await begin(1), await begin(1, { deadlineMs: 300 })];
    await hold(one);
    const error = await refusal(other.run('report', async () => 'never'));
    expect(error).toMatchObject({ code: 'fleet_limited', status: 503, outcome: 'not_started' });
    expect(error.retryAfterMs).toBeGreaterThanOrEqual(1_000);
    expect(error.measured).toMatchObject({ stage: 'queue', route: 'report', places: 1 });
    const { queue_wait_ms: waited, time_left_ms: left } = error.measured ?? {};
    expect(Number(waited) + Number(left)).toBeGreaterThan(200);
    // Nobody has seen this work end, so what would pass is not made up.
    expect(error.measured).not.toHaveProperty('passes_with_ms');
    expect(laneOf(other)).toMatchObject({ inUse: 0, waiting: 0 });
  });

  it('refuses at once what would wait too long, as far as can be told', async () => {
    const gateway = await begin(1, { deadlineMs: 1_000 });
    for (let count = 0; count < 5; count += 1) {
      const { end, run } = await hold(gateway);
      setTimeout(end.open, 200);
      await run;
    }
    const { end } = await hold(gateway);
    const waiting = Array.from({ length: 10 }, () => gateway.run('report', async () => 'done').catch((error) => error));
    expect(laneOf(gateway)?.waiting).toBeLessThan(5);
    const refused = (await Promise.race([waiting[9], waiting[0]])) as SluiceError;
    expect(refused.code).toBe('fleet_limited');
    expect(refused.measured?.predicted_wait_ms).toBeGreaterThan(800);
    const { stage, time_left_ms: left, passes_with_ms: needed } = refused.measured ?? {};
    expect([stage, Number(needed) > Number(left)]).toEqual(['arrival', true]);
    end.open();
    expect(await waiting[0]).toBe('done');
  });

  it('takes no more to wait than may be queued', async () => {
    const gateway = await begin(1, { maxQueued: 2 });
    const { end } = await hold(gateway);
    const waiting = [1, 2].map(() => gateway.run('report', async () => 'done'));
    const refused = await refusal(gateway.run('report', async () => 'never'));
    expect(refused).toMatchObject({
      code: 'fleet_limited',
      measured: { stage: 'arrival', waiting: 2, passes_with_waiting_below: 2 },
    });
    end.open();
    expect(await Promise.all(waiting)).toEqual(['done', 'done']);
  });

  it('forgets those who leave, and starts nothing for them', async () => {
    const gateway = await begin(1);
    const { end } = await hold(gateway);
    const leaving = new AbortController();
    let started = 0;
    const gone = Array.from({ length: 10 }, () =>
      refusal(gateway.run('report', async () => (started += 1), { signal: leaving.signal })),
    );
    const last = gateway.run('report', async () => 'done');
    leaving.abort();
    await Promise.all(gone);
    expect(laneOf(gateway)?.waiting).toBe(1);
    end.open();
    expect(await last).toBe('done');
    expect(started).toBe(0);
    await expect.poll(() => laneOf(gateway)?.inUse).toBe(0);
  });

  it('gives the place back when its seats refuse', async () => {
    const gateway = await begin(5, { concurrency: 1, maxQueued: 1 });
    const { end, run } = await hold(gateway);
    const waits = gateway.run('report', async () => 'done');
    await expect.poll(() => gateway.snapshot().routes[0]?.seats?.queued).toBe(1);
    expect(laneOf(gateway)?.inUse).toBe(2);
    const error = await refusal(gateway.run('report', async () => 'never'));
    expect(error.code).toBe('queue_full');
    expect(laneOf(gateway)?.inUse).toBe(2);
    end.open();
    await run;
    expect(await waits).toBe('done');
    expect(laneOf(gateway)?.inUse).toBe(0);
  });

  it('is refused inside itself', async () => {
    const gateway = await begin(1);
    const nested = gateway.run('report', (handle) => handle.run('report', async () => 'never'));
    await expect(nested).rejects.toThrow(/"report" was run inside itself.*fleetMaxConcurrent/);
    expect(await gateway.run('other', (handle) => handle.run('report', async () => 'done'))).toBe('done');
  });

  it('sheds those who wait when it drains', async () => {
    const gateway = await begin(1);
    const { end } = await hold(gateway);
    const waits = refusal(gateway.run('report', async () => 'never'));
    await expect.poll(() => laneOf(gateway)?.waiting).toBe(1);
    const drained = gateway.drain({ timeoutMs: 50 });
    expect((await waits).code).toBe('draining');
    end.open();
    await drained;
  });

  it('has its places back within 5 s of a kill -9', async () => {
    const gateway = await begin(2);
    const child = spawn(process.execPath, [...CHILD, server.url, '2'], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    await expect.poll(() => laneOf(gateway)?.instances).toBe(2);
    const waits = gateway.run('report', async () => performance.now());
    await expect.poll(() => laneOf(gateway)?.waiting).toBe(1);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    const killedAtMs = performance.now();
    await ended;
    const tookMs = (await waits) - killedAtMs;
    expect(tookMs).toBeLessThan(5_000);
    // Not before its lease is over: who is only slow keeps its places.
    expect(tookMs).toBeGreaterThan(2_000);
  });

  it('goes on with its part while Redis is away, and says so', async () => {
    const gateway = await begin(2);
    await server.stop();
    await expect.poll(() => laneOf(gateway)?.degraded).toBe(true);
    const [one, two] = [await hold(gateway), await hold(gateway)];
    const text = await new Metrics(() => gateway.telemetry()).text();
    expect(text.split('\n').filter((line) => line.startsWith('sluice_route_lane'))).toEqual([
      'sluice_route_lane_places{route="report",class="low"} 2',
      'sluice_route_lane_in_use{route="report",class="low"} 2',
      'sluice_route_lane_waiting{route="report",class="low"} 0',
      'sluice_route_lane_degraded{route="report",class="low"} 1',
    ]);
    const waits = gateway.run('report', async () => 'done');
    one.end.open();
    expect(await waits).toBe('done');
    two.end.open();
  });

  it('needs a Redis', async () => {
    const routes = { report: { ratePerSecond: 1, fleetMaxConcurrent: 3 } };
    const error = await createGateway({ routes }, { env: {} }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).toMatch(
      /routes\.report\.fleetMaxConcurrent is 3: a limit of the whole fleet needs/,
    );
  });
});
