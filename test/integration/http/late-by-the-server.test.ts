import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Request } from 'express';
import { metrics, protect } from 'sluice/express';
import { afterAll, afterEach, beforeAll, expect, it, type MockInstance, vi } from 'vitest';
import { type Clock, systemClock } from '../../../src/clock.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { type Bench, serve } from './harness.js';

/** A process whose timers are late: its server, which was told of the deadline, is always first to stop a statement. */
const LATE: Clock = { ...systemClock, after: (delayMs, run) => systemClock.after(delayMs + 150, run) };

let postgres: PostgresServer;
let bench: Bench;
let act: (req: Request) => unknown;
let whole: MockInstance;
let atLeast: MockInstance;
const ended: unknown[] = [];
const noteEnd = (message: unknown): unknown => ended.push(message);

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
});
afterEach(async () => {
  unsubscribe('sluice:end', noteEnd);
  await bench.atRest();
  await bench.close();
});
afterAll(() => postgres.close());

async function start(): Promise<void> {
  const work = { pool: 'main', deadlineMs: 200 };
  bench = await serve(
    { url: postgres.url, pools: { main: { max: 2 } }, routes: { work }, surroundings: { clock: LATE } },
    (app, gateway) => {
      app.get(
        '/work',
        protect(gateway, 'work', {}, (req) => act(req)),
      );
      app.get('/metrics', metrics(gateway));
    },
  );
  const { times } = bench.gateway.entry('work').runtime;
  whole = vi.spyOn(times, 'record');
  atLeast = vi.spyOn(times, 'recordCensored');
  ended.length = 0;
  subscribe('sluice:end', noteEnd);
}

/** What is counted of one request that was told that its deadline has passed. */
async function expectExpired(): Promise<void> {
  await bench.atRest();
  const { outcomes, errorsByCode, lastRefusals } = bench.stats('work');
  expect(outcomes).toEqual({ succeeded: 0, failed: 0, expired: 1, abandoned: 0 });
  expect(errorsByCode.deadline_expired).toBe(1);
  expect(lastRefusals.list().map(({ code }) => code)).toEqual(['deadline_expired']);
  expect(ended).toEqual([expect.objectContaining({ route: 'work', outcome: 'expired' })]);
  const { text } = await bench.request.get('/metrics');
  expect(text).toMatch(/^sluice_requests_expired_total\{[^}]*\} 1$/m);
  expect(text).toMatch(/^sluice_requests_failed_total\{[^}]*\} 0$/m);
  // It was cut short: how long it would have taken is not known.
  expect([whole.mock.calls.length, atLeast.mock.calls.length]).toEqual([0, 1]);
}

it.each<[how: string, work: (req: Request) => unknown]>([
  ['a statement', (req) => req.sluice.query('SELECT pg_sleep(5)')],
  ['a transaction', (req) => req.sluice.transaction((client) => client.query('SELECT pg_sleep(5)'))],
])('counts %s that its server stopped at the deadline as expired', async (_, work) => {
  await start();
  act = work;
  const answer = await bench.request.get('/work');
  expect([answer.status, answer.body.code]).toEqual([504, 'deadline_expired']);
  await expectExpired();
});

it('counts work outside HTTP likewise', async () => {
  await start();
  const work = bench.gateway.run('work', (handle) => handle.query('SELECT pg_sleep(5)'));
  await expect(work).rejects.toMatchObject({ code: 'deadline_expired' });
  await expectExpired();
});

it('counts what its handler answered otherwise by that answer', async () => {
  await start();
  act = async ({ sluice, res }) => {
    const found = await sluice.query('SELECT pg_sleep(5)').catch(() => undefined);
    res?.status(found === undefined ? 500 : 200).json({});
  };
  await bench.request.get('/work').expect(500);
  await bench.atRest();
  expect(bench.stats('work').outcomes).toMatchObject({ failed: 1, expired: 0 });
});
