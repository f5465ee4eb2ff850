import { createGateway, type Gateway, type RequestHandle, type RetryOptions, type SluiceClient } from 'sluice';
import { protect } from 'sluice/express';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { busyParts, expectBalanced, LogBook, latch, serve } from '../http/harness.js';
import { ask, until } from '../pools/pool-fixture.js';
import { JumpClock } from './jump-clock.js';

const CONFLICT = "DO $$ BEGIN RAISE EXCEPTION SQLSTATE '40001'; END $$";

let postgres: PostgresServer;
let gateway: Gateway;
let clock: JumpClock;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off', deadlock_timeout: '50ms' } });
  await ask(postgres.url, 'CREATE TABLE accounts (id int PRIMARY KEY, amount int NOT NULL)');
});
beforeEach(async () => {
  await ask(postgres.url, 'TRUNCATE accounts');
  await ask(postgres.url, 'INSERT INTO accounts VALUES (1, 100), (2, 100)');
  clock = new JumpClock();
  const { url } = postgres;
  gateway = await createGateway(
    {
      maxEventLoopLagMs: 0,
      readinessDelayMs: 0,
      pools: { pair: { url, max: 2 }, single: { url, max: 1 } },
      routes: {
        pair: { pool: 'pair', deadlineMs: 60_000 },
        single: { pool: 'single', deadlineMs: 60_000 },
        brief: { pool: 'single', deadlineMs: 5_000 },
      },
    },
    // Draws that make every wait nearly as long as it can be.
    { env: {}, logger: new LogBook(), clock, random: () => 0.999 },
  );
});
afterEach(async () => {
  await until(() => busyParts(gateway).length === 0).catch(() => expect(busyParts(gateway)).toEqual([]));
  for (const route of gateway.telemetry().routes()) expectBalanced(route.stats, route.name);
  await gateway.drain({ timeoutMs: 0 });
});
afterAll(() => postgres.close());

const retriesOf = (pool: string) => gateway.snapshot().pools.find(({ name }) => name === pool)?.retries;
const take = (client: SluiceClient, id: number) =>
  client.query('UPDATE accounts SET amount = amount - 1 WHERE id = $1', [id]);
const amounts = async () =>
  (await ask<{ amount: number }>(postgres.url, 'SELECT amount FROM accounts ORDER BY id')).map(({ amount }) => amount);

/** A transaction that meets a conflict in its first tries, and counts them. */
function conflicting(handle: RequestHandle, conflicts: number, retry: RetryOptions | boolean) {
  const tried = { times: 0 };
  const ended = handle.transaction(
    async (client) => {
      tried.times += 1;
      await take(client, 1);
      if (tried.times <= conflicts) await client.query(CONFLICT);
      return tried.times;
    },
    { retry },
  );
  return { tried, ended };
}

describe('F18: a transaction that may be run again', () => {
  it('after a serialisation failure that only COMMIT meets', async () => {
    const written = [latch(), latch()];
    const first = latch();
    const tries = [0, 0];
    const run = (me: 0 | 1) =>
      gateway.run('pair', (handle) =>
        handle.transaction(
          async (client) => {
            tries[me] = (tries[me] ?? 0) + 1;
            await client.query('SELECT sum(amount) FROM accounts');
            await take(client, me + 1);
            written[me]?.open();
            await Promise.all(written.map(({ promise }) => promise));
            if (me === 1) await first.promise;
          },
          { isolation: 'serializable', retry: true },
        ),
      );
    const one = run(0).then(() => first.open());
    await Promise.all([one, run(1)]);
    expect(tries).toEqual([1, 2]);
    expect(await amounts()).toEqual([99, 99]);
    expect(retriesOf('pair')).toMatchObject({ retried: 1, recovered: 1 });
  });

  it('after a deadlock', async () => {
    const locked = [latch(), latch()];
    let tries = 0;
    const run = (me: 0 | 1) =>
      gateway.run('pair', (handle) =>
        handle.transaction(
          async (client) => {
            tries += 1;
            await take(client, me + 1);
            locked[me]?.open();
            await Promise.all(locked.map(({ promise }) => promise));
            await take(client, 2 - me);
          },
          { retry: true },
        ),
      );
    await Promise.all([run(0), run(1)]);
    expect(tries).toBe(3);
    expect(await amounts()).toEqual([98, 98]);
    expect(retriesOf('pair')).toMatchObject({ retried: 1, recovered: 1 });
  });

  it('without its seat while it waits, and back at the head of its class', async () => {
    const order: string[] = [];
    const run = gateway.run('single', async (handle) => {
      await conflicting(handle, 1, { backoffMs: 10_000 }).ended;
      order.push('retried');
    });
    await until(
      () => retriesOf('single')?.retried === 1 && busyParts(gateway).every((part) => !/seats|lent/.test(part)),
    );
    const hold = latch();
    const other = gateway.run('single', async (handle) => {
      await handle.query('SELECT 1');
      await hold.promise;
      order.push('other');
    });
    const later = gateway.run('single', async () => order.push('later'));
    clock.jump(10_000);
    await until(() => gateway.entry('single').runtime.gate?.bulkhead.queued === 2);
    hold.open();
    await Promise.all([run, other, later]);
    expect(order).toEqual(['other', 'retried', 'later']);
  });

  it('keeps its seat where it holds another connection', async () => {
    await gateway.run('pair', async (handle) => {
      const connection = await handle.connect();
      const { tried, ended } = conflicting(handle, 1, { backoffMs: 10_000 });
      await until(() => retriesOf('pair')?.retried === 1 && clock.expects(9_000, 10_000));
      expect(handle.seats).toBe(1);
      clock.jump(10_000);
      await ended;
      expect(tried.times).toBe(2);
      connection.release();
    });
  });

  it('lets other work of the same request wait until the seat is back', async () => {
    await gateway.run('single', async (handle) => {
      const { ended } = conflicting(handle, 1, { backoffMs: 10_000 });
      await until(() => retriesOf('single')?.retried === 1 && handle.seats === 0);
      const query = handle.query('SELECT 1 AS one');
      clock.jump(10_000);
      expect((await query).rows).toEqual([{ one: 1 }]);
      await ended;
    });
  });

  it('twice at once in one request', async () => {
    await gateway.run('pair', async (handle) => {
      const both = [1, 2].map(() => conflicting(handle, 2, { backoffMs: 1 }));
      expect(await Promise.all(both.map(({ ended }) => ended))).toEqual([3, 3]);
    });
    expect(retriesOf('pair')).toMatchObject({ retried: 4, recovered: 2 });
  });
});

describe('a transaction is not run again', () => {
  async function failing(statement: string, retry: boolean | RetryOptions = true, route = 'single') {
    let tries = 0;
    const failure = gateway.run(route, (handle) =>
      handle.transaction(
        async (client) => {
          tries += 1;
          await client.query(statement);
        },
        { retry },
      ),
    );
    const error: unknown = await failure.catch((reason: unknown) => reason);
    return { tries, error };
  }

  it.each([
    ['a broken rule', 'INSERT INTO accounts VALUES (1, 1)', { code: '23505' }],
    ['a lost connection', 'SELECT pg_terminate_backend(pg_backend_pid())', { code: 'connection_lost' }],
    ['a lock not granted', "DO $$ BEGIN RAISE EXCEPTION SQLSTATE '55P03'; END $$", { code: 'database_busy' }],
  ])('after %s', async (_, statement, expected) => {
    expect(await failing(statement)).toMatchObject({ tries: 1, error: expected });
    expect(retriesOf('single')).toMatchObject({ retried: 0 });
  });

  it('once COMMIT was sent and not answered', async () => {
    await ask(postgres.url, 'CREATE TABLE IF NOT EXISTS deadly (id int)');
    await ask(
      postgres.url,
      `CREATE OR REPLACE FUNCTION end_session() RETURNS trigger LANGUAGE plpgsql AS
         'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'`,
    );
    await ask(
      postgres.url,
      `CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON deadly DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION end_session()`,
    );
    const { tries, error } = await failing('INSERT INTO deadly VALUES (1)');
    expect(tries).toBe(1);
    expect(error).toMatchObject({ code: 'connection_lost', outcome: 'unknown', status: 504 });
  });

  it('where nobody declared that it may be', async () => {
    expect(await failing(CONFLICT, false)).toMatchObject({ tries: 1, error: { code: '40001' } });
  });

  it('more often than was said, and then fails with what the server said', async () => {
    const { tries, error } = await failing(CONFLICT, { attempts: 4, backoffMs: 1 });
    expect([tries, error]).toEqual([4, expect.objectContaining({ code: '40001' })]);
    expect(retriesOf('single')).toEqual({
      retried: 3,
      recovered: 0,
      out_of_tries: 1,
      out_of_budget: 0,
      out_of_time: 0,
    });
  });

  it('where the deadline comes first', async () => {
    expect(await failing(CONFLICT, { backoffMs: 6_000 }, 'brief')).toMatchObject({
      tries: 1,
      error: { code: '40001' },
    });
    expect(retriesOf('single')).toMatchObject({ retried: 0, out_of_time: 1 });
  });

  it('once its caller has left', async () => {
    const caller = new AbortController();
    let tried: { readonly times: number } | undefined;
    const run = gateway.run(
      'single',
      (handle) => {
        const work = conflicting(handle, 1, { backoffMs: 10_000 });
        tried = work.tried;
        return work.ended;
      },
      { signal: caller.signal },
    );
    await until(() => retriesOf('single')?.retried === 1);
    caller.abort(new Error('enough'));
    await expect(run).rejects.toThrow('enough');
    await until(() => busyParts(gateway).length === 0);
    expect(tried?.times).toBe(1);
    expect(await amounts()).toEqual([100, 100]);
  });

  it('BP-11: beyond the budget of the pool, a tenth of its transactions', async () => {
    let tries = 0;
    const ends = new Map<unknown, number>();
    for (let transaction = 0; transaction < 100; transaction++) {
      const end = await failing(CONFLICT, { attempts: 2, backoffMs: 0.01 });
      tries += end.tries;
      const { code } = end.error as { code: unknown };
      ends.set(code, (ends.get(code) ?? 0) + 1);
    }
    expect(ends).toEqual(new Map([['40001', 100]]));
    expect(tries).toBe(100 + 10 + 9);
    expect(retriesOf('single')).toMatchObject({ retried: 19, out_of_budget: 81 });
  });
});

it('answers a client of HTTP as `database_busy` when it has tried in vain', async () => {
  const { url } = postgres;
  let tries = 0;
  const bench = await serve(
    { url, pools: { main: { max: 1 } }, routes: { work: { pool: 'main' } } },
    (app, guarded) => {
      app.post('/work', protect(guarded, 'work'), async (req, res) => {
        const work = async (client: SluiceClient): Promise<void> => {
          tries += 1;
          await client.query(CONFLICT);
        };
        await req.sluice.transaction(work, { retry: { attempts: 3, backoffMs: 1 } });
        res.json({});
      });
    },
  );
  const answer = await bench.request.post('/work').expect(503);
  expect(answer.body).toMatchObject({ code: 'database_busy', outcome: 'rolled_back' });
  expect(answer.headers['retry-after']).toBe('1');
  expect(tries).toBe(3);
  await bench.atRest();
  await bench.close();
});

it('waits for no further try once its drain is over', async () => {
  const tried = latch();
  const job = gateway.run('single', async (handle) => {
    const { ended } = conflicting(handle, 9, { backoffMs: 10_000 });
    await until(() => retriesOf('single')?.retried === 1);
    tried.open();
    return ended;
  });
  const refused = expect(job).rejects.toMatchObject({ code: 'draining' });
  await tried.promise;
  const beginMs = clock.nowMs();
  await gateway.drain({ timeoutMs: 0 });
  await refused;
  expect(clock.nowMs() - beginMs).toBeLessThan(5_000);
});
