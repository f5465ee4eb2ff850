import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGateway, type Gateway } from 'sluice';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { EXPORT_SCHEMA, exportOrders } from '../../../examples/jobs/export-orders.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { LogBook } from '../http/harness.js';
import { ask } from '../pools/pool-fixture.js';

const ORDERS = 9_000;

let postgres: PostgresServer;
let gateway: Gateway<'nightlyExport'>;
let folder: string;
let file: string;
let files = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-export-'));
  postgres = await startPostgres({ settings: { fsync: 'off' } });
  await ask(postgres.url, EXPORT_SCHEMA);
  await ask(
    postgres.url,
    `INSERT INTO orders (sku, quantity, placed_at)
       SELECT n, 1, now() - interval '1 day' FROM generate_series(1, ${ORDERS}) n`,
  );
  // Others may still be on their way below this one.
  await ask(postgres.url, 'INSERT INTO orders (sku, quantity) VALUES (1, 1)');
  gateway = await createGateway(
    {
      maxEventLoopLagMs: 0,
      readinessDelayMs: 0,
      pools: { nightly: { url: postgres.url, profile: 'batch' } },
      routes: { nightlyExport: { pool: 'nightly', priority: 'low' } },
    },
    { env: {}, logger: new LogBook() },
  );
});
beforeEach(() => {
  files += 1;
  file = join(folder, `orders-${files}.ndjson`);
});
afterAll(async () => {
  await gateway?.drain({ timeoutMs: 0 });
  await postgres?.close();
  await rm(folder, { recursive: true });
});

async function ids(): Promise<number[]> {
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  return lines.map((line) => (JSON.parse(line) as { id: number }).id);
}

const ALL = Array.from({ length: ORDERS }, (_, index) => index + 1);

it('writes every order once, in order', async () => {
  expect(await exportOrders(gateway, file)).toMatchObject({ end: 'done', chunks: 6 });
  expect(await ids()).toEqual(ALL);
});

it('goes on where it was stopped, however often', async () => {
  const ends: string[] = [];
  for (let times = 0; times < 10 && ends.at(-1) !== 'done'; times++) {
    const stop = new AbortController();
    const { end } = await exportOrders(gateway, file, {
      signal: stop.signal,
      // Somewhere in the chunk after the first.
      onChunk: (_, chunks) => {
        if (chunks === 1) setTimeout(() => stop.abort(), 2);
      },
    });
    ends.push(end);
  }
  expect(ends.length).toBeGreaterThan(1);
  expect(ends.at(-1)).toBe('done');
  expect(await ids()).toEqual(ALL);
});

it('writes a chunk again that the server lost after it was written', async () => {
  const run = await exportOrders(gateway, file);
  expect(run.end).toBe('done');
  // Started again from a cursor behind the file's end, as after a commit that was lost.
  await ask(postgres.url, 'UPDATE export_progress SET order_id = 2000, bytes = $2 WHERE file = $1', [
    file,
    (await readFile(file, 'utf8')).split('\n').slice(0, 2_000).join('\n').length + 1,
  ]);
  expect(await exportOrders(gateway, file)).toMatchObject({ end: 'done', chunks: 5 });
  expect(await ids()).toEqual(ALL);
});
