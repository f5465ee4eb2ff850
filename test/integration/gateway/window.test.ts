import { createGateway, type Gateway } from 'sluice';
import { protect } from 'sluice/express';
import { afterEach, describe, expect, it } from 'vitest';
import { type Bench, LogBook, serve } from '../http/harness.js';

const HOUR_MS = 3_600_000;

let wallMs: number;
let gateway: Gateway | undefined;
let bench: Bench | undefined;

afterEach(async () => {
  await bench?.close();
  await gateway?.drain({ timeoutMs: 0 });
  gateway = undefined;
  bench = undefined;
});

const ROUTES = { etl: { concurrency: 1, priority: 'low', window: '22:00-06:00', timeZone: 'UTC' } } as const;

async function open(mode: 'enforce' | 'observe' | 'off', env = {}): Promise<Gateway> {
  gateway = await createGateway(
    { mode, maxEventLoopLagMs: 0, readinessDelayMs: 0, routes: ROUTES },
    { env, logger: new LogBook(), wallMs: () => wallMs },
  );
  return gateway;
}

describe('SEG-7: a route with hours', () => {
  it('refuses what comes at another time, and says when to come back', async () => {
    wallMs = Date.parse('2026-11-22T20:30:00Z');
    const running = await open('enforce');
    await expect(running.run('etl', async () => 'done')).rejects.toMatchObject({
      code: 'outside_window',
      status: 503,
      outcome: 'not_started',
      retryAfterMs: 1.5 * HOUR_MS,
      message: 'This work is done from 22:00 to 06:00 (UTC) only. Nothing was started; come back then.',
      measured: {
        stage: 'arrival',
        route: 'etl',
        window: '22:00-06:00',
        time_zone: 'UTC',
        local_time: '20:30',
        passes_in_ms: 1.5 * HOUR_MS,
      },
    });
    expect(running.entry('etl').runtime.stats.shedByCode.outside_window).toBe(1);
    wallMs += 1.5 * HOUR_MS;
    expect(await running.run('etl', async () => 'done')).toBe('done');
  });

  it('lets work that it admitted go on past its end', async () => {
    wallMs = Date.parse('2026-11-22T05:59:59Z');
    const running = await open('enforce');
    const late = running.run('etl', async () => {
      wallMs += 2_000;
      await expect(running.run('etl', async () => 'too late')).rejects.toMatchObject({ code: 'outside_window' });
      return 'done';
    });
    expect(await late).toBe('done');
  });

  it('has them changed by the environment', async () => {
    wallMs = Date.parse('2026-11-22T20:30:00Z');
    const running = await open('enforce', { SLUICE_ROUTE_ETL_WINDOW: '20:00-21:00' });
    expect(await running.run('etl', async () => 'done')).toBe('done');
  });

  it('refuses nothing in mode observe, and counts what it would', async () => {
    wallMs = Date.parse('2026-11-22T12:00:00Z');
    const running = await open('observe');
    expect(await running.run('etl', async () => 'done')).toBe('done');
    expect(running.entry('etl').runtime.stats.wouldShedByCode.outside_window).toBe(1);
  });

  it('nor in mode off', async () => {
    wallMs = Date.parse('2026-11-22T12:00:00Z');
    const running = await open('off');
    expect(await running.run('etl', async () => 'done')).toBe('done');
  });

  it('answers HTTP with 503 and the seconds to the opening, spread over a minute at most', async () => {
    wallMs = Date.parse('2026-11-22T14:00:00Z');
    bench = await serve({ routes: ROUTES, surroundings: { wallMs: () => wallMs } }, (app, guarded) => {
      app.post('/etl', protect(guarded, 'etl'), (_req, res) => {
        res.json({});
      });
    });
    const answer = await bench.request.post('/etl').expect(503);
    expect(answer.body).toMatchObject({ code: 'outside_window', title: 'This is not the time for it' });
    const seconds = Number(answer.headers['retry-after']);
    expect(seconds).toBeGreaterThanOrEqual(8 * 3_600);
    expect(seconds).toBeLessThanOrEqual(8 * 3_600 + 60);
  });
});
