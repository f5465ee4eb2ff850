import { createGateway, type Gateway, type RequestHandle, type TransactionOptions } from 'sluice';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type PgbouncerServer, startPgbouncer } from '../../support/pgbouncer-server.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { busyParts, LogBook } from '../http/harness.js';
import { ask, until } from '../pools/pool-fixture.js';
import { Tap } from '../pools/tap.js';
import { JumpClock } from './jump-clock.js';

// On a connection that has just answered, the first statement of a transaction brings its BEGIN with it.

let postgres: PostgresServer;
let pooler: PgbouncerServer;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
  await ask(postgres.url, 'CREATE TABLE ledger (entry int PRIMARY KEY, xid text DEFAULT pg_current_xact_id()::text)');
  const { password } = new URL(postgres.url);
  pooler = await startPgbouncer({
    databases: [`main = host=127.0.0.1 port=${postgres.port} dbname=postgres pool_size=4`],
    users: { postgres: password },
  });
});
afterAll(async () => {
  await pooler.close();
  await postgres.close();
});

const pooled = (): string => {
  const url = new URL(postgres.url);
  url.port = String(pooler.port);
  url.pathname = '/main';
  return url.href;
};

describe.each([
  { where: 'PostgreSQL', url: () => postgres.url, first: ['BEGIN'] },
  {
    where: 'PgBouncer',
    url: pooled,
    first: ['BEGIN', expect.stringContaining("set_config('statement_timeout', '")],
  },
])('the first statement of a transaction, on $where', ({ url, first }) => {
  let tap: Tap;
  let gateway: Gateway;
  let clock: JumpClock;

  beforeEach(async () => {
    await ask(postgres.url, 'TRUNCATE ledger');
    tap = await Tap.before(url());
    clock = new JumpClock();
    gateway = await createGateway(
      {
        maxEventLoopLagMs: 0,
        readinessDelayMs: 0,
        pools: { main: { url: tap.url, max: 1 } },
        routes: { work: { pool: 'main', deadlineMs: 20_000 }, other: { pool: 'main', deadlineMs: 5_000 } },
      },
      { env: {}, logger: new LogBook(), clock },
    );
    // From now on the session stands under the limit of this route.
    for (let times = 0; times < 6; times++) await gateway.run('work', (handle) => handle.transaction(enter(-times)));
    await ask(postgres.url, 'TRUNCATE ledger');
    tap.statements.length = 0;
  });
  afterEach(async () => {
    await until(() => busyParts(gateway).length === 0).catch(() => expect(busyParts(gateway)).toEqual([]));
    await gateway.drain({ timeoutMs: 0 });
    await tap.close();
  });

  const INSERT = 'INSERT INTO ledger (entry) VALUES ($1)';
  const enter = (entry: unknown) => (client: { query(text: string, values: unknown[]): Promise<unknown> }) =>
    client.query(INSERT, [entry]);
  const run = <T>(work: (handle: RequestHandle) => Promise<T>): Promise<T> => gateway.run('work', work);
  const entries = () => ask<{ entry: number; xid: string }>(postgres.url, 'SELECT * FROM ledger ORDER BY entry');
  const kept = async () => (await entries()).map(({ entry }) => entry);

  it('brings its BEGIN with it', async () => {
    await run((handle) => handle.transaction(enter(1)));
    expect(tap.statements).toEqual([...first, INSERT, 'COMMIT']);
    expect(await kept()).toEqual([1]);
  });

  it('is answered with its own rows, and one transaction holds all', async () => {
    const result = await run((handle) =>
      handle.transaction(async (client) => {
        const first = await client.query('SELECT $1::int AS one, pg_current_xact_id()::text AS xid', [1]);
        await Promise.all([enter(1)(client), enter(2)(client)]);
        return first;
      }),
    );
    const [row] = result.rows as { one: number; xid: string }[];
    expect(result).toEqual({ rows: [{ one: 1, xid: row?.xid }], rowCount: 1, command: 'SELECT' });
    expect((await entries()).map(({ xid }) => xid)).toEqual([row?.xid, row?.xid]);
  });

  it('is followed by the others in the order of their calls, in one transaction', async () => {
    await run((handle) => handle.transaction((client) => Promise.all([1, 2, 3].map((entry) => enter(entry)(client)))));
    expect(tap.statements).toEqual([...first, INSERT, INSERT, INSERT, 'COMMIT']);
    expect(new Set((await entries()).map(({ xid }) => xid)).size).toBe(1);
  });

  it('brings a limit that is not the usual one with it, too', async () => {
    await gateway.run('other', (handle) => handle.transaction(enter(1)));
    const limit = expect.stringMatching(/^SELECT set_config\('statement_timeout', '[45]\d{3}', true\)/);
    expect(tap.statements).toEqual(['BEGIN', limit, INSERT, 'COMMIT']);
    expect(await kept()).toEqual([1]);
  });

  it('follows its BEGIN where it has no values, because it may be several', async () => {
    await run((handle) =>
      handle.transaction((client) => client.query('INSERT INTO ledger VALUES (1); INSERT INTO ledger VALUES (2)')),
    );
    expect(tap.statements[0]).toMatch(/^BEGIN/);
    expect(tap.statements.slice(1)).toEqual(['INSERT INTO ledger VALUES (1); INSERT INTO ledger VALUES (2)', 'COMMIT']);
    expect(await kept()).toEqual([1, 2]);
  });

  it('follows its BEGIN on a session that has been silent: the answer shows that it lives', async () => {
    clock.jump(1_000);
    await run((handle) => handle.transaction(enter(1)));
    expect(tap.statements[0]).toMatch(/^BEGIN/);
    expect(tap.statements.slice(1)).toEqual([INSERT, 'COMMIT']);
  });

  it('may never come: then nothing is sent at all', async () => {
    expect(await run((handle) => handle.transaction(async () => 'nothing to do'))).toBe('nothing to do');
    expect(tap.statements).toEqual([]);
  });

  it('comes before the COMMIT with all that was called beside it, awaited or not', async () => {
    await run((handle) =>
      handle.transaction((client) => {
        const first = enter(1)(client);
        void enter(2)(client);
        void enter(3)(client);
        return first;
      }),
    );
    expect(tap.statements).toEqual([...first, INSERT, INSERT, INSERT, 'COMMIT']);
    expect(new Set((await entries()).map(({ xid }) => xid)).size).toBe(1);
  });

  it('does not let what is called after it overtake what was called before', async () => {
    const changed = await run((handle) =>
      handle.transaction(async (client) => {
        const [one, two] = [enter(1)(client), enter(2)(client)];
        await one;
        const update = await client.query('UPDATE ledger SET entry = 20 WHERE entry = $1', [2]);
        await two;
        return update.rowCount;
      }),
    );
    expect(changed).toBe(1);
    expect(await kept()).toEqual([1, 20]);
  });

  it('answers connection_lost where its session was, also to who did not look at it', async () => {
    const end = run((handle) =>
      handle.transaction(async (client) => {
        await client
          .query('SELECT pg_terminate_backend(pg_backend_pid()) WHERE $1::int = 1', [1])
          .catch(() => undefined);
      }),
    );
    await expect(end).rejects.toMatchObject({ code: 'connection_lost', outcome: 'rolled_back' });
  });

  it('opens the transaction although it fails itself', async () => {
    await ask(postgres.url, INSERT, [7]);
    const error = await run((handle) =>
      handle.transaction(async (client) => {
        await enter(7)(client).catch(() => undefined);
        await enter(8)(client).catch(() => undefined);
      }),
    ).catch((reason: Error) => reason);
    expect(error).toMatchObject({ name: 'FailedTransactionError', cause: { code: '23505' } });
    expect(await kept()).toEqual([7]);
  });

  it('opens the transaction although it cannot be written', async () => {
    const unprintable = { toPostgres: () => expect.unreachable() };
    await run((handle) =>
      handle.transaction(async (client) => {
        await expect(enter(unprintable)(client)).rejects.toThrow();
        await enter(1)(client);
        // Nobody else sees it yet.
        expect(await kept()).toEqual([]);
      }),
    );
    expect(await kept()).toEqual([1]);
  });

  it.each<[TransactionOptions, string, string]>([
    [{ isolation: 'serializable' }, 'transaction_isolation', 'serializable'],
    [{ readOnly: true }, 'transaction_read_only', 'on'],
  ])('runs in a transaction with %o', async (options, setting, value) => {
    const { rows } = await run((handle) =>
      handle.transaction((client) => client.query('SELECT current_setting($1) AS value', [setting]), options),
    );
    expect(rows).toEqual([{ value }]);
    expect(tap.statements).toHaveLength(first.length + 2);
  });

  it('is rolled back with all else when its session is lost', async () => {
    const error = await run((handle) =>
      handle.transaction(async (client) => {
        await client.query('SELECT pg_terminate_backend(pg_backend_pid()) WHERE $1::int = 1', [1]);
      }),
    ).catch((reason: Error) => reason);
    expect(error).toMatchObject({ code: 'connection_lost', outcome: 'rolled_back' });
  });
});
