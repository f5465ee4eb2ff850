import { createGateway, type DrainOptions, type Gateway } from 'sluice';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { latch } from '../http/harness.js';

let postgres: PostgresServer;
let gateway: Gateway;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
});
beforeEach(async () => {
  gateway = await createGateway(
    {
      pools: { main: { url: postgres.url, max: 1 } },
      routes: { job: { pool: 'main', deadlineMs: 60_000 } },
      readinessDelayMs: 0,
      drainTimeoutMs: 60_000,
    },
    { env: {} },
  );
});
afterEach(() => gateway.drain({ timeoutMs: 0 }));
afterAll(() => postgres?.close());

const wrong: [unknown, new (text: string) => Error, RegExp][] = [
  [{ timeoutMs: Number.NaN }, RangeError, /timeoutMs of drain\(\) is NaN: give milliseconds from 0/],
  [{ timeoutMs: -1 }, RangeError, /timeoutMs of drain\(\) is -1/],
  [{ timeoutMs: '100' }, TypeError, /timeoutMs of drain\(\) is a string: give milliseconds as a number/],
  [{ timeoutMs: null }, TypeError, /timeoutMs of drain\(\) is null/],
  [{ timeout: 100 }, TypeError, /"timeout" is no option of drain\(\): use "timeoutMs"/],
  [{ server: {} }, TypeError, /server of drain\(\) is an object without close, closeIdleConnections/],
  [{ server: null }, TypeError, /server of drain\(\) is null without close/],
  [null, TypeError, /the options of drain\(\) are null/],
  [5, TypeError, /the options of drain\(\) are 5/],
];

it.each(wrong)('drain(%j) rejects before anything has begun', async (options, kind, message) => {
  const drain = gateway.drain(options as DrainOptions);
  await expect(drain).rejects.toThrow(kind);
  await expect(drain).rejects.toThrow(message);
  expect(gateway.readiness().ready).toBe(true);
  expect(await gateway.run('job', (handle) => handle.query('SELECT 1'))).toMatchObject({ rowCount: 1 });
});

it('keeps its bound whatever a later call gives', async () => {
  const started = latch();
  const job = gateway.run('job', (handle) => {
    started.open();
    return handle.query('SELECT pg_sleep(30)');
  });
  const ended = expect(job).rejects.toMatchObject({ code: 'draining' });
  await started.promise;
  const drained = gateway.drain({ timeoutMs: 100 });
  await expect(gateway.drain({ timeoutMs: Number.NaN })).rejects.toThrow(RangeError);
  await drained;
  await ended;
});
