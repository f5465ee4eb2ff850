import { setMaxListeners } from 'node:events';
import { createGateway, type Gateway, isSluiceError, type RequestHandle } from 'sluice';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { busyParts, expectBalanced, LogBook, latch } from '../http/harness.js';
import { ask, until } from '../pools/pool-fixture.js';

let postgres: PostgresServer;
let gateway: Gateway;
const log = new LogBook();

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
  await ask(postgres.url, 'CREATE TABLE notes (text text PRIMARY KEY)');
  const { url } = postgres;
  gateway = await createGateway(
    {
      maxEventLoopLagMs: 0,
      pools: { main: { url, max: 1 }, other: { url, max: 1 } },
      routes: {
        batch: { pool: 'main', deadlineMs: 20_000 },
        // Nothing is known of the time that its work takes, so nobody is refused for that.
        crowded: { pool: 'main', deadlineMs: 600_000 },
        limited: { pool: 'main', ratePerSecond: 0.1, burst: 1 },
        perCaller: {
          perCaller: { key: () => undefined, ratePerSecond: 0.1, burst: 1 },
        },
        brief: { pool: 'main', deadlineMs: 150 },
        brief2: { pool: 'main', deadlineMs: 150 },
        brief3: { pool: 'main', deadlineMs: 150 },
        kept: { pool: 'main', onDisconnect: 'finish' },
        elsewhere: { pool: 'other' },
        unqueued: { pool: 'main', maxQueued: 0 },
        bare: {},
        narrow: { concurrency: 1, deadlineMs: 500 },
      },
    },
    { env: {}, logger: log },
  );
});
afterEach(async () => {
  await until(() => busyParts(gateway).length === 0).catch(() => expect(busyParts(gateway)).toEqual([]));
  for (const route of gateway.telemetry().routes()) expectBalanced(route.stats, route.name);
});
afterAll(async () => {
  await gateway?.drain({ timeoutMs: 0 });
  await postgres?.close();
});

const stats = (route: string) => gateway.entry(route).runtime.stats;

describe('a handle that keeps the only connection in hand', () => {
  const one = (handle: { query(text: string): Promise<unknown> }) => handle.query('SELECT 1');

  it.each<[string, (handle: RequestHandle) => Promise<unknown>]>([
    ['a transaction inside a transaction', (handle) => handle.transaction(() => handle.transaction(one))],
    ['a query inside a transaction', (handle) => handle.transaction((client) => one(client).then(() => one(handle)))],
    ['a second connect()', (handle) => handle.connect().then((first) => one(handle).finally(() => first.release()))],
  ])('is refused %s at once, with the remedy', async (_what, work) => {
    await expect(gateway.run('batch', work)).rejects.toThrow(/keeps a connection .* use the client that it gives you/);
    expect(await gateway.run('batch', one)).toMatchObject({ rowCount: 1 });
  });

  it.each<[string, (handle: RequestHandle) => Promise<unknown>]>([
    ['queries', one],
    ['transactions', (handle) => handle.transaction(one)],
  ])('runs %s side by side one after the other', async (_what, work) => {
    const both = gateway.run('batch', (handle) => Promise.all([work(handle), work(handle), work(handle)]));
    expect(await both).toHaveLength(3);
  });
});

describe('gateway.run', () => {
  it('gives the work a handle, and the caller what the work gives', async () => {
    const result = await gateway.run('batch', async (handle) => {
      const { rows } = await handle.query<{ one: number }>('SELECT 1 AS one');
      return { rows, route: handle.route, priority: handle.priority, leftMs: handle.timeLeftMs() };
    });
    expect(result).toMatchObject({ rows: [{ one: 1 }], route: 'batch', priority: 'normal' });
    expect(result.leftMs).toBeGreaterThan(10_000);
  });

  it('passes on what the work throws, and gives the seat back', async () => {
    const { failed } = stats('batch').outcomes;
    await expect(
      gateway.run('batch', async () => {
        throw new Error('the work failed');
      }),
    ).rejects.toThrow('the work failed');
    expect(stats('batch').outcomes.failed).toBe(failed + 1);
  });

  it('leaves the process a turn with each refusal, so that a loop of tries does not keep it from all else', async () => {
    const work = async (): Promise<undefined> => undefined;
    await gateway.run('perCaller', work, { callerKey: 'loop' });
    let turns = 0;
    const turn = (): void => {
      turns += 1;
      if (turns < 3) setImmediate(turn);
    };
    setImmediate(turn);
    let refusals = 0;
    while (turns < 3 && refusals < 100) {
      const error: unknown = await gateway.run('perCaller', work, { callerKey: 'loop' }).catch((each: unknown) => each);
      expect(error).toMatchObject({ code: 'rate_limited' });
      refusals += 1;
    }
    expect(refusals).toBeLessThan(100);
  });

  it('passes on what the work throws before its first await', async () => {
    await expect(
      gateway.run('batch', () => {
        throw new Error('at once');
      }),
    ).rejects.toThrow('at once');
  });

  it('names the routes when there is no such route', () => {
    expect(() => gateway.run('nowhere', async () => 1)).toThrow(/no route "nowhere".*"batch"/);
  });

  it('refuses with an error that tells what a response would', async () => {
    await gateway.run('limited', async () => 1);
    const error = await gateway.run('limited', async () => 1).catch((reason: unknown) => reason);
    expect(isSluiceError(error)).toBe(true);
    expect(error).toMatchObject({ code: 'rate_limited', status: 429, outcome: 'not_started' });
  });

  it('charges the bucket of the caller that is named', async () => {
    await gateway.run('perCaller', async () => 1, { callerKey: 'ann' });
    await expect(gateway.run('perCaller', async () => 1, { callerKey: 'ann' })).rejects.toMatchObject({
      code: 'rate_limited',
      measured: { scope: 'caller' },
    });
    expect(await gateway.run('perCaller', async () => 1, { callerKey: 'bob' })).toBe(1);
  });

  it('waits for a seat, in order', async () => {
    const order: string[] = [];
    const hold = latch();
    const first = gateway.run('batch', async () => {
      order.push('first');
      await hold.promise;
    });
    const second = gateway.run('batch', async (handle) => {
      order.push('second');
      return handle.queueWaitMs;
    });
    const third = gateway.run('batch', async () => {
      order.push('third');
    });
    expect(gateway.entry('batch').runtime.queued).toBe(2);
    hold.open();
    await Promise.all([first, third]);
    expect(await second).toBeGreaterThan(0);
    expect(order).toEqual(['first', 'second', 'third']);
  });

  it('refuses what may not queue, with a refusal that started nothing', async () => {
    const hold = latch();
    const first = gateway.run('batch', () => hold.promise);
    let started = false;
    const error = gateway.run('unqueued', async () => {
      started = true;
    });
    await expect(error).rejects.toMatchObject({ code: 'queue_full', outcome: 'not_started' });
    hold.open();
    await first;
    expect(started).toBe(false);
  });

  it('ends at the deadline, with the statement cancelled on the server', async () => {
    const startedMs = performance.now();
    const error = gateway.run('brief', (handle) => handle.query('SELECT pg_sleep(20)'));
    await expect(error).rejects.toMatchObject({ code: 'deadline_expired', status: 504, outcome: 'rolled_back' });
    expect(performance.now() - startedMs).toBeLessThan(600);
    expect(stats('brief').errorsByCode.deadline_expired).toBe(1);
    await until(
      async () =>
        (
          await ask(
            postgres.url,
            "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(20)%' AND state = 'active' AND pid <> pg_backend_pid()",
          )
        ).length === 0,
    );
  });

  it('ends at the deadline also when the work never does', async () => {
    const error = gateway.run('brief2', () => new Promise(() => undefined));
    await expect(error).rejects.toMatchObject({ code: 'deadline_expired', outcome: 'not_started' });
    expect(stats('brief2').outcomes.expired).toBe(1);
  });

  it('a budget shortens the time and never lengthens it', async () => {
    const left = (budgetMs: number) => gateway.run('batch', async (handle) => handle.timeLeftMs(), { budgetMs });
    expect(await left(2_000)).toBeLessThanOrEqual(2_000);
    expect(await left(3_600_000)).toBeLessThanOrEqual(20_000);
    expect(await left(Number.POSITIVE_INFINITY)).toBeLessThanOrEqual(20_000);
  });

  it.each([0, -5, Number.NEGATIVE_INFINITY])('a budget of %d is used up: nothing is started', async (budgetMs) => {
    let started = false;
    const error = gateway.run(
      'bare',
      async () => {
        started = true;
      },
      { budgetMs },
    );
    await expect(error).rejects.toMatchObject({ code: 'deadline_unreachable', outcome: 'not_started' });
    expect(started).toBe(false);
  });

  it('a budget that is not a number is a mistake of the caller', async () => {
    const { arrived } = stats('bare');
    const error = gateway.run('bare', async () => 1, { budgetMs: Number.NaN });
    await expect(error).rejects.toThrow(/budgetMs is NaN/);
    expect(stats('bare').arrived).toBe(arrived);
  });

  it('counts the error that ends the work', async () => {
    const hold = latch();
    const locked = latch();
    const holder = gateway.run('elsewhere', (handle) =>
      handle.transaction(async (client) => {
        await client.query('LOCK TABLE notes');
        locked.open();
        await hold.promise;
      }),
    );
    await locked.promise;
    const waiter = gateway.run('batch', (handle) =>
      handle.transaction(async (client) => {
        await client.query("SET LOCAL lock_timeout = '20ms'");
        await client.query('LOCK TABLE notes');
      }),
    );
    await expect(waiter).rejects.toMatchObject({ code: 'database_busy', outcome: 'rolled_back' });
    hold.open();
    await holder;
    expect(stats('batch').errorsByCode.database_busy).toBe(1);
  });

  describe('with a signal', () => {
    it('that is aborted already: nothing arrives', async () => {
      const { arrived } = stats('batch');
      const reason = new Error('no longer wanted');
      await expect(gateway.run('batch', async () => 1, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      expect(stats('batch').arrived).toBe(arrived);
    });

    it('that is aborted in the queue: the work never starts', async () => {
      const hold = latch();
      const controller = new AbortController();
      const reason = new Error('no longer wanted');
      const first = gateway.run('batch', () => hold.promise);
      let started = false;
      const second = gateway.run(
        'batch',
        async () => {
          started = true;
        },
        { signal: controller.signal },
      );
      const outcome = expect(second).rejects.toBe(reason);
      expect(gateway.entry('batch').runtime.queued).toBe(1);
      controller.abort(reason);
      await outcome;
      expect(gateway.entry('batch').runtime.queued).toBe(0);
      hold.open();
      await first;
      expect(started).toBe(false);
    });

    it('that is aborted at work: the statement is cancelled and the signal of the handle aborted', async () => {
      const controller = new AbortController();
      const reason = new Error('no longer wanted');
      let handle: RequestHandle | undefined;
      const inner = latch<unknown>();
      const run = gateway.run(
        'batch',
        async (given) => {
          handle = given;
          await given.query('SELECT pg_sleep(20)').catch((error: unknown) => {
            inner.open(error);
            throw error;
          });
        },
        { signal: controller.signal },
      );
      const outcome = expect(run).rejects.toBe(reason);
      const { pool } = gateway.entry('batch').runtime.pool ?? {};
      await until(() => pool?.gauges().inUse === 1);
      controller.abort(reason);
      await outcome;
      expect(await inner.promise).toMatchObject({ name: 'ClientGoneError' });
      expect(handle?.signal.aborted).toBe(true);
    });

    it('on a route that finishes: the caller is told, and the work goes on', async () => {
      const controller = new AbortController();
      const run = gateway.run(
        'kept',
        async (handle) => {
          await handle.query('SELECT pg_sleep(0.1)');
          await handle.query("INSERT INTO notes VALUES ('kept')");
        },
        { signal: controller.signal },
      );
      const outcome = expect(run).rejects.toThrow(/aborted/);
      const { pool } = gateway.entry('kept').runtime.pool ?? {};
      await until(() => pool?.gauges().inUse === 1);
      controller.abort();
      await outcome;
      await until(() => stats('kept').ended === 1);
      expect(await ask(postgres.url, "SELECT 1 FROM notes WHERE text = 'kept'")).toHaveLength(1);
      expect(stats('kept').outcomes.abandoned).toBe(1);
    });

    it('leaves no listener behind', async () => {
      const controller = new AbortController();
      let listeners = 0;
      const { signal } = controller;
      const add = signal.addEventListener.bind(signal);
      const remove = signal.removeEventListener.bind(signal);
      signal.addEventListener = (...args: Parameters<typeof add>) => {
        listeners += 1;
        add(...args);
      };
      signal.removeEventListener = (...args: Parameters<typeof remove>) => {
        listeners -= 1;
        remove(...args);
      };
      for (let times = 0; times < 5; times++) await gateway.run('bare', async () => 1, { signal });
      expect(listeners).toBe(0);
    });
  });

  describe('inside itself', () => {
    it('on the same pool is refused, by the handle', async () => {
      const error = gateway.run('batch', (handle) => handle.run('kept', async () => 1));
      await expect(error).rejects.toThrow(/same pool "main"/);
    });

    it('on the seats of its own route is refused too', async () => {
      const error = gateway.run('narrow', (handle) => handle.run('narrow', async () => 1));
      await expect(error).rejects.toThrow(/route "narrow".*could wait for itself/);
    });

    it.each(['elsewhere', 'bare'])('on the same pool is refused also with "%s" in between', async (between) => {
      const nested = (handle: RequestHandle) => handle.run(between, (inner) => inner.run('kept', async () => 1));
      await expect(gateway.run('batch', nested)).rejects.toThrow(/"kept" was run inside .* same pool "main"/);
    });

    it('on another pool runs within the time left', async () => {
      const leftMs = await gateway.run(
        'batch',
        (handle) => handle.run('elsewhere', async (inner) => inner.timeLeftMs()),
        { budgetMs: 3_000 },
      );
      expect(leftMs).toBeLessThanOrEqual(3_000);
    });

    it('has no time when its parent has none', async () => {
      const { arrived } = stats('elsewhere');
      const inner = latch<unknown>();
      const run = gateway.run('brief3', async (handle) => {
        await new Promise((resolve) => handle.signal.addEventListener('abort', resolve));
        await handle.run('elsewhere', async () => 1).catch(inner.open);
      });
      await expect(run).rejects.toMatchObject({ code: 'deadline_expired' });
      expect(await inner.promise).toMatchObject({ code: 'deadline_expired' });
      expect(stats('elsewhere').arrived).toBe(arrived);
    });
  });

  it('keeps a rejection that nobody waits for any more from ending the process', async () => {
    const unhandled: unknown[] = [];
    const listen = (reason: unknown): unknown => unhandled.push(reason);
    process.on('unhandledRejection', listen);
    const late = latch();
    const controller = new AbortController();
    const run = gateway.run(
      'bare',
      async () => {
        await late.promise;
        throw new Error('late');
      },
      { signal: controller.signal },
    );
    const outcome = expect(run).rejects.toThrow();
    controller.abort();
    await outcome;
    late.open();
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', listen);
    expect(unhandled).toEqual([]);
  });
});

it('lets one signal end many works at once, and still has a leak of others suspected', async () => {
  const warned: string[] = [];
  const hear = (warning: Error): unknown => warned.push(warning.name);
  process.on('warning', hear);
  const { signal } = new AbortController();
  const one = (handle: RequestHandle) => handle.query('SELECT 1');
  await Promise.all(Array.from({ length: 30 }, () => gateway.run('crowded', one, { signal })));
  await new Promise((resolve) => setImmediate(resolve));
  expect(warned).toEqual([]);
  for (let listeners = 0; listeners < 11; listeners += 1) signal.addEventListener('abort', () => listeners);
  await until(() => warned.length > 0);
  process.off('warning', hear);
  expect(warned).toEqual(['MaxListenersExceededWarning']);
});

it('takes a signal to which any number may listen', async () => {
  const { signal } = new AbortController();
  setMaxListeners(0, signal);
  await expect(gateway.run('batch', () => Promise.resolve('done'), { signal })).resolves.toBe('done');
});
