import { ChunkError, type ChunkedRun, createGateway, type Gateway, type RequestHandle } from 'sluice';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { busyParts, expectBalanced, LogBook, latch } from '../http/harness.js';
import { ask, until } from '../pools/pool-fixture.js';
import { JumpClock } from './jump-clock.js';

const ROWS = 100;

let postgres: PostgresServer;
let gateway: Gateway;
let clock: JumpClock;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
  await ask(postgres.url, 'CREATE TABLE orders AS SELECT n AS id FROM generate_series(1, 100) n');
  await ask(postgres.url, 'CREATE TABLE exported (id int PRIMARY KEY)');
});
beforeEach(async () => {
  await ask(postgres.url, 'TRUNCATE exported');
  clock = new JumpClock();
  const { url } = postgres;
  gateway = await createGateway(
    {
      maxEventLoopLagMs: 0,
      readinessDelayMs: 0,
      pools: { only: { url, max: 1, breaker: false } },
      routes: {
        export: { pool: 'only', priority: 'low', deadlineMs: 60_000 },
        checkout: { pool: 'only', priority: 'critical', deadlineMs: 60_000 },
        slow: { pool: 'only', ratePerSecond: 0.1, burst: 1, deadlineMs: 60_000 },
        hours: { window: '22:00-06:00', timeZone: 'UTC' },
      },
    },
    { env: {}, logger: new LogBook(), clock, random: () => 0.5, wallMs: () => Date.parse('2026-11-22T20:00:00Z') },
  );
});
afterEach(async () => {
  await until(() => busyParts(gateway).length === 0).catch(() => expect(busyParts(gateway)).toEqual([]));
  for (const route of gateway.telemetry().routes()) expectBalanced(route.stats, route.name);
  await gateway.drain({ timeoutMs: 0 });
});
afterAll(() => postgres.close());

/** Copies up to `size` rows in one transaction, and tells the last of them. */
async function copy(handle: RequestHandle, after: number | undefined, size: number): Promise<number | undefined> {
  return handle.transaction(async (client) => {
    const { rows } = await client.query<{ id: number }>(
      `INSERT INTO exported SELECT id FROM orders WHERE id > $1 ORDER BY id LIMIT ${size} RETURNING id`,
      [after ?? 0],
    );
    return rows.length < size ? undefined : Math.max(...rows.map(({ id }) => id));
  });
}

const exported = async (): Promise<number> =>
  (await ask<{ n: number }>(postgres.url, 'SELECT count(*)::int AS n FROM exported'))[0]?.n ?? -1;

describe('a job in chunks', () => {
  it('goes from cursor to cursor to its end, each chunk with a deadline of its own', async () => {
    const deadlines = new Set<number>();
    const progress: [number, number][] = [];
    const run = await gateway.runInChunks<number>(
      'export',
      (handle, cursor) => {
        deadlines.add(handle.deadlineAtMs);
        return copy(handle, cursor, 30);
      },
      { onChunk: (cursor, chunks) => progress.push([cursor, chunks]) },
    );
    expect(run).toEqual({ end: 'done', cursor: undefined, chunks: 4, repeats: 0 });
    expect(progress).toEqual([
      [30, 1],
      [60, 2],
      [90, 3],
    ]);
    expect(deadlines.size).toBe(4);
    expect(await exported()).toBe(ROWS);
    expect(gateway.entry('export').runtime.stats.admitted).toBe(4);
  });

  it('SEG-6: gives its seat to a more important request within one chunk', async () => {
    let chunks = 0;
    const seen: number[] = [];
    const waiting: Promise<unknown>[] = [];
    const job = gateway.runInChunks<number>('export', async (handle, cursor) => {
      chunks += 1;
      await handle.query('SELECT pg_sleep(0.005)');
      const arrivedIn = chunks;
      // Two wait for the end of each chunk.
      for (let i = 0; i < 2; i++) {
        const checkout = gateway.run('checkout', async (inner) => {
          await inner.query('SELECT 1');
          seen.push(chunks - arrivedIn);
        });
        waiting.push(checkout);
      }
      return copy(handle, cursor, 10);
    });
    expect(await job).toMatchObject({ end: 'done', chunks: 11 });
    await Promise.all(waiting);
    expect(seen).toEqual(Array.from({ length: 22 }, () => 0));
  });

  it('ends at null too, which is the highest key of no rows, and begins there', async () => {
    const seen: (number | undefined)[] = [];
    const run = await gateway.runInChunks(
      'export',
      async (handle, cursor: number | undefined) => {
        seen.push(cursor);
        const text = 'SELECT max(id) FROM (SELECT id FROM orders WHERE id > $1 ORDER BY id LIMIT 60) AS chunk';
        const { rows } = await handle.query<{ max: number | null }>(text, [cursor ?? 0]);
        return rows[0]?.max;
      },
      { from: null },
    );
    expect(run).toEqual({ end: 'done', cursor: undefined, chunks: 3, repeats: 0 });
    expect(seen).toEqual([undefined, 60, 100]);
  });

  it.each(['p42', 42, Number.NaN])('does not go round in circles: %j again and again is a mistake', async (cursor) => {
    const failure = await gateway.runInChunks('export', async () => cursor).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ChunkError);
    expect(failure).toMatchObject({ cursor, chunks: 2, message: expect.stringContaining('return undefined when') });
  });

  it('takes a cursor that the chunk changes in place', async () => {
    const place = { id: 0 };
    const run = await gateway.runInChunks('export', async () => (++place.id < 4 ? place : undefined), { from: place });
    expect(run).toMatchObject({ end: 'done', chunks: 4 });
  });

  it('is shed like any other work, and comes back no sooner than it was told', async () => {
    const began: number[] = [];
    const job = gateway.runInChunks<number>('slow', async (_, cursor = 0) => {
      began.push(clock.nowMs());
      return cursor < 2 ? cursor + 1 : undefined;
    });
    const { stats } = gateway.entry('slow').runtime;
    // 10 s and an eighth.
    const asleep = (): boolean => clock.expects(10_500, 11_250);
    await until(() => stats.shed === 1 && asleep());
    clock.jump(9_000);
    // Time enough for whoever would come back too soon.
    await gateway.run('checkout', (handle) => handle.query('SELECT pg_sleep(0.4)'));
    expect([began.length, stats.shed]).toEqual([1, 1]);
    clock.jump(3_000);
    await until(() => began.length === 2 && stats.shed === 2 && asleep());
    clock.jump(12_000);
    expect(await job).toEqual({ end: 'done', cursor: undefined, chunks: 3, repeats: 2 });
    for (const [index, startMs] of began.slice(1).entries()) {
      expect(startMs - (began[index] ?? 0)).toBeGreaterThanOrEqual(9_900);
    }
  });

  it('loses its database in a chunk, and runs that chunk again', async () => {
    let killed = false;
    const job = gateway.runInChunks<number>('export', async (handle, cursor) => {
      if (cursor === 30 && !killed) {
        killed = true;
        await handle.transaction(async (client) => {
          await client.query('INSERT INTO exported VALUES (31)');
          await client.query('SELECT pg_terminate_backend(pg_backend_pid())');
        });
      }
      return copy(handle, cursor, 30);
    });
    expect(await job).toMatchObject({ end: 'done', chunks: 4 });
    expect(killed).toBe(true);
    expect(await exported()).toBe(ROWS);
  });

  it('runs a chunk again also where what it did may have taken effect', async () => {
    const began: (number | undefined)[] = [];
    const run = await gateway.runInChunks<number>('export', async (handle, cursor) => {
      began.push(cursor);
      // Alone, a statement commits by itself: nobody knows what became of it.
      const lost = began.length === 2 ? ', pg_terminate_backend(pg_backend_pid()), pg_sleep(30)' : '';
      const { rows } = await handle.query<{ id: number }>(
        `INSERT INTO exported SELECT id FROM orders WHERE id > $1 AND id <= $1 + 50
         ON CONFLICT (id) DO UPDATE SET id = excluded.id RETURNING id${lost}`,
        [cursor ?? 0],
      );
      return rows.length === 0 ? undefined : (cursor ?? 0) + 50;
    });
    expect(run).toEqual({ end: 'done', cursor: undefined, chunks: 3, repeats: 1 });
    expect(began).toEqual([undefined, 50, 50, 100]);
    expect(await exported()).toBe(ROWS);
  });
});

describe('a job that stops before its end says where', () => {
  const half = async (handle: RequestHandle, cursor: number | undefined, then: () => Promise<unknown>) => {
    const next = await copy(handle, cursor, 30);
    if (cursor === 30) await then();
    return next;
  };

  async function resume(from: number | undefined): Promise<void> {
    const rest = await gateway.runInChunks<number>('export', (handle, cursor) => copy(handle, cursor, 30), { from });
    expect(rest.end).toBe('done');
    expect(await exported()).toBe(ROWS);
  }

  it('at once when it is aborted in a chunk, whose work is undone', async () => {
    const stop = new AbortController();
    const run = await gateway.runInChunks<number>(
      'export',
      async (handle, cursor) => {
        if (cursor !== 30) return copy(handle, cursor, 30);
        return handle.transaction(async (client) => {
          await client.query('INSERT INTO exported VALUES (31)');
          setImmediate(() => stop.abort());
          await client.query('SELECT pg_sleep(30)');
          return 99;
        });
      },
      { signal: stop.signal },
    );
    expect(run).toEqual({ end: 'aborted', cursor: 30, chunks: 1, repeats: 0 });
    await until(() => busyParts(gateway).length === 0);
    await resume(run.cursor);
  });

  it('when it is aborted while it stays away, or waits for its turn', async () => {
    const stop = new AbortController();
    const away = gateway.runInChunks<number>('slow', async (_, cursor = 0) => cursor + 1, { signal: stop.signal });
    await until(() => gateway.entry('slow').runtime.stats.shed === 1);
    // It hears of that a turn of the event loop later.
    await new Promise((resolve) => setImmediate(resolve));
    const hold = latch();
    const holder = gateway.run('checkout', () => hold.promise);
    const queued = gateway.runInChunks<number>('export', async () => 1, { signal: stop.signal, from: 7 });
    await until(() => gateway.entry('export').runtime.stats.undecided === 1);
    stop.abort();
    expect(await away).toEqual({ end: 'aborted', cursor: 1, chunks: 1, repeats: 1 });
    expect(await queued).toEqual({ end: 'aborted', cursor: 7, chunks: 0, repeats: 0 });
    hold.open();
    await holder;
  });

  it('after the chunk that runs when the gateway shuts down', async () => {
    let drained: Promise<void> | undefined;
    const run = await gateway.runInChunks<number>('export', (handle, cursor) =>
      half(handle, cursor, async () => {
        drained = gateway.drain();
        await handle.query('SELECT pg_sleep(0.02)');
      }),
    );
    expect(run).toEqual({ end: 'draining', cursor: 60, chunks: 2, repeats: 0 });
    expect(await exported()).toBe(60);
    await drained;
  });

  it('at once when the gateway shuts down while it stays away, or waits for its turn', async () => {
    const away = gateway.runInChunks<number>('slow', async (_, cursor = 0) => cursor + 1);
    await until(() => gateway.entry('slow').runtime.stats.shed === 1);
    const hold = latch();
    const holder = gateway.run('checkout', () => hold.promise);
    const queued = gateway.runInChunks<number>('export', async () => 1, { from: 7 });
    await until(() => gateway.entry('export').runtime.stats.undecided === 1);
    const drained = gateway.drain();
    const ends: ChunkedRun<number>[] = await Promise.all([away, queued]);
    expect(ends.map(({ end, cursor }) => [end, cursor])).toEqual([
      ['draining', 1],
      ['draining', 7],
    ]);
    expect(await gateway.runInChunks<number>('export', async () => 1)).toMatchObject({ end: 'draining', chunks: 0 });
    hold.open();
    await Promise.all([holder, drained]);
  });

  it('in its error when a chunk fails', async () => {
    const failure = gateway.runInChunks<number>('export', (handle, cursor) =>
      half(handle, cursor, () => Promise.reject(new Error('no disk'))),
    );
    const error: unknown = await failure.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ChunkError);
    expect(error).toMatchObject({
      cursor: 30,
      chunks: 1,
      message: 'the job on route "export" stopped after 1 chunks: no disk',
      cause: { message: 'no disk' },
    });
  });

  it('in its error when the place for its cursor fails', async () => {
    const failure = gateway.runInChunks<number>('export', (handle, cursor) => copy(handle, cursor, 30), {
      onChunk: (cursor) => (cursor === 60 ? Promise.reject(new Error('read-only')) : undefined),
    });
    await expect(failure).rejects.toMatchObject({ name: 'ChunkError', cursor: 60, chunks: 2 });
  });

  it('in its error when it would be shed for longer than it has patience', async () => {
    const closed = gateway.runInChunks<number>('hours', async () => 1, { from: 5 });
    await expect(closed).rejects.toMatchObject({
      name: 'ChunkError',
      cursor: 5,
      cause: { code: 'outside_window', retryAfterMs: 7_200_000 },
    });
    const patient = gateway.runInChunks<number>('slow', async (_, cursor = 0) => cursor + 1, { patienceMs: 9_000 });
    await expect(patient).rejects.toMatchObject({ name: 'ChunkError', cursor: 1, cause: { code: 'rate_limited' } });
  });

  it('refuses patience that is none', async () => {
    const failure = gateway.runInChunks('export', async () => undefined, { patienceMs: 0 });
    await expect(failure).rejects.toThrow('patienceMs is 0');
  });
});

it('may run as often at once as it likes, for one signal too, with no leak suspected', async () => {
  const warned: string[] = [];
  const hear = (warning: Error): unknown => warned.push(warning.name);
  process.on('warning', hear);
  const { signal } = new AbortController();
  const one = (): Promise<undefined> => Promise.resolve(undefined);
  const jobs = Array.from({ length: 30 }, () => gateway.runInChunks('export', one, { signal }));
  const ends = await Promise.all(jobs);
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', hear);
  expect(new Set(ends.map(({ end }) => end))).toEqual(new Set(['done']));
  expect(warned).toEqual([]);
});
