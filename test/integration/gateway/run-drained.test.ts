import { createGateway, type RequestHandle } from 'sluice';
import { expect, it } from 'vitest';
import { startPostgres } from '../../support/postgres.js';
import { LogBook } from '../http/harness.js';
import { until } from '../pools/pool-fixture.js';

it('is stopped by a drain that it would outlast, whatever it waits for, and its caller is told', async () => {
  const postgres = await startPostgres({ settings: { fsync: 'off' } });
  const gateway = await createGateway(
    {
      readinessDelayMs: 0,
      pools: { main: { url: postgres.url, max: 5 } },
      routes: { job: { pool: 'main', deadlineMs: 600_000 } },
    },
    { env: {}, logger: new LogBook() },
  );
  const nothing = new Promise<never>(() => undefined);
  const signals: AbortSignal[] = [];
  const waits: ((handle: RequestHandle) => Promise<unknown>)[] = [
    () => nothing,
    (handle) => new Promise((_resolve, reject) => handle.signal.addEventListener('abort', () => reject(handle.signal))),
    (handle) => handle.outside(() => nothing),
    (handle) => handle.connect().then(() => nothing),
    (handle) => handle.query('SELECT pg_sleep(30)').catch(() => nothing),
  ];
  const ends = waits.map((wait) => {
    const run = gateway.run('job', (handle) => {
      signals.push(handle.signal);
      return wait(handle);
    });
    return run.catch((error: unknown) => error);
  });
  await until(() => signals.length === waits.length);
  await gateway.drain({ timeoutMs: 100 });
  for (const end of await Promise.all(ends)) expect(end).toMatchObject({ code: 'draining' });
  expect(signals.map(({ aborted }) => aborted)).toEqual(waits.map(() => true));
  await postgres.close();
});
