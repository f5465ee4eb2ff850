import { inspect } from 'node:util';
import * as sluice from 'sluice';
import { createGateway, type Gateway, type PoolOptions, RotationRefusedError } from 'sluice';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../src/clock.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { LogBook } from '../http/harness.js';
import { ask, until } from '../pools/pool-fixture.js';
import { CONNECTS_IN_PEACE, hastyStart } from './hasty-start.js';
import { rotateUnderLoad } from './rotate-under-load.js';

/** Every password of this file begins so, and nothing else does. */
const SECRET = 'Zq7secret';

let postgres: PostgresServer;
let gateway: Gateway;
let log: LogBook;
/** Everything that was seen in a test, for the search after it. */
let seen: unknown[];

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off', max_connections: '40' } });
  for (const user of ['old_app', 'new_app']) {
    await ask(postgres.url, `CREATE ROLE ${user} LOGIN PASSWORD '${passwordOf(user)}' IN ROLE pg_monitor`);
  }
  await ask(postgres.url, 'CREATE TABLE kept (n int)');
  await ask(postgres.url, 'GRANT ALL ON kept TO PUBLIC');
});
beforeEach(() => {
  log = new LogBook();
  seen = [];
});
afterEach(async () => {
  seen.push(gateway, gateway.snapshot(), gateway.config, gateway.entry('work'), log.entries);
  await gateway.drain({ timeoutMs: 0 });
  for (const each of seen) expect(everythingOf(each)).not.toContain(SECRET);
});
afterAll(() => postgres.close());

function passwordOf(user: string): string {
  return `${SECRET}-${user}/?`;
}

function urlOf(user: string, password = passwordOf(user)): string {
  const url = new URL(postgres.url);
  url.username = user;
  url.password = encodeURIComponent(password);
  return url.href;
}

/** What any way of printing a value shows, its hidden properties included. */
function everythingOf(value: unknown): string {
  const error = value instanceof Error ? `${value.message} ${value.stack} ${String(value.cause)}` : '';
  const json = JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each)) ?? '';
  return `${inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden: true })} ${json} ${error}`;
}

async function start(pool: PoolOptions<'main'> = {}, clock: Clock = systemClock): Promise<Gateway> {
  gateway = await createGateway(
    {
      applicationName: 'rotation',
      maxEventLoopLagMs: 0,
      pools: { main: { url: urlOf('old_app'), max: 4, minIdle: 2, ...pool } },
      routes: { work: { pool: 'main', deadlineMs: 20_000 } },
    },
    { env: {}, logger: log, clock },
  );
  return gateway;
}

/** Once each session has said who it is: one that is starting has a name before it has a user. */
async function usersOnServer(): Promise<string[]> {
  let users: (string | null)[] = [];
  await until(async () => {
    const rows = await ask<{ usename: string | null }>(
      postgres.url,
      "SELECT DISTINCT usename::text FROM pg_stat_activity WHERE application_name = 'rotation' ORDER BY 1",
    );
    users = rows.map(({ usename }) => usename);
    return !users.includes(null);
  });
  return users.filter((user) => user !== null);
}

async function userOfWork(): Promise<unknown> {
  const { rows } = await gateway.run('work', (handle) => handle.query('SELECT current_user::text AS name'));
  return rows[0]?.name;
}

async function refusalOf(work: Promise<unknown> | undefined): Promise<Error> {
  const error: unknown = await work?.then(() => undefined).catch((reason: unknown) => reason);
  seen.push(error);
  if (!(error instanceof Error)) throw new Error('it was to fail');
  return error;
}

describe('CRE-1 CRE-2: a rotation to a second user', () => {
  it('costs no request under load, cuts no transaction, and resolves when the first user is gone', async () => {
    const running = await start();
    const kept = (): Promise<unknown[]> => ask(postgres.url, 'SELECT n FROM kept ORDER BY n');
    const password = passwordOf('new_app');
    await rotateUnderLoad({ gateway: running, callers: 8, password, userOfWork, usersOnServer, kept });
    expect(log.entries).toEqual([]);
  });

  it('takes a whole url, and a function in place of a password', async () => {
    await start();
    await gateway.rotate('main', { url: urlOf('new_app') });
    expect(await userOfWork()).toBe('new_app');
    await gateway.rotate('main', { user: 'old_app', password: async () => passwordOf('old_app') });
    expect(await userOfWork()).toBe('old_app');
    expect(await usersOnServer()).toEqual(['old_app']);
  });

  it('keeps the last of several that are asked for at once', async () => {
    await start();
    await Promise.all([
      gateway.rotate('main', { url: urlOf('new_app') }),
      gateway.rotate('main', { url: urlOf('old_app') }),
      gateway.rotate('main', { url: urlOf('new_app') }),
    ]);
    expect(await userOfWork()).toBe('new_app');
    expect(await usersOnServer()).toEqual(['new_app']);
  });
});

describe('CRE-1: a rotation that expels', () => {
  it('ends the sessions of before within its bound, also those at work', async () => {
    await start();
    const victim = refusalOf(gateway.run('work', (handle) => handle.query('SELECT pg_sleep(15)')));
    await until(
      async () =>
        (
          await ask(
            postgres.url,
            "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(15)%' AND state = 'active' AND pid <> pg_backend_pid()",
          )
        ).length === 1,
    );
    const from = performance.now();
    await gateway.rotate('main', { url: urlOf('new_app') }, { expel: true, withinMs: 100 });
    expect(performance.now() - from).toBeLessThan(2_000);
    expect(await victim).toMatchObject({ code: 'connection_lost' });
    expect(await usersOnServer()).toEqual(['new_app']);
    expect(await userOfWork()).toBe('new_app');
    expect(gateway.snapshot().pools[0]).toMatchObject({ state: 'up', connections: { lost: 0 } });
  });

  it('lets work end that is over within the bound', async () => {
    await start();
    const work = gateway.run('work', (handle) => handle.query('SELECT pg_sleep(0.3)'));
    await gateway.rotate('main', { url: urlOf('new_app') }, { expel: true, withinMs: 10_000 });
    await work;
    expect(await usersOnServer()).toEqual(['new_app']);
  });
});

describe('a rotation that cannot work', () => {
  it.each([
    ['a wrong password', { password: `${SECRET}-wrong` }, /refuses the user or the password/],
    ['an unknown user', { user: 'nobody_here' }, /refuses the user or the password/],
    ['a password function that fails', { password: () => Promise.reject(new Error(SECRET)) }, /failed with Error/],
    [
      'no server there',
      { url: `postgres://old_app:${SECRET}@127.0.0.1:1/postgres` },
      /cannot be reached; rotate again once it does/,
    ],
    [
      'an unknown database',
      { url: `postgres://old_app@127.0.0.1/nowhere?password=${SECRET}` },
      /cannot be reached|no such/,
    ],
  ])('is refused with the reason for %s, and nothing changes', async (_, change, reason) => {
    await start();
    await until(() => gateway.snapshot().pools[0]?.connections.idle === 2);
    const error = await refusalOf(gateway.rotate('main', change, { expel: true, withinMs: 0 }));
    expect(error).toBeInstanceOf(RotationRefusedError);
    expect(error.message).toMatch(/^pool "main" keeps its login/);
    expect(error.message).toMatch(reason);
    expect(await userOfWork()).toBe('old_app');
    expect(gateway.snapshot().pools[0]?.connections).toMatchObject({ opened: 2, connectFailures: 0, lost: 0 });
    expect(log.entries).toEqual([]);
  });

  it('is refused without a try for what is no login', async () => {
    await start();
    expect((await refusalOf(gateway.rotate('main', { url: `mysql://app:${SECRET}@db/shop` }))).message).toBe(
      'url of pool "main": it is not a connection URL: use postgres://user:password@host:5432/database',
    );
    expect((await refusalOf(gateway.rotate('mian', {}))).message).toBe(
      'no pool "mian" is configured; the pools are "main"',
    );
    expect((await refusalOf(gateway.rotate('main', {}, { withinMs: -1 }))).message).toMatch(/^withinMs is -1: use/);
    for (const expel of ['no', 0, null] as unknown as boolean[]) {
      const refusal = refusalOf(gateway.rotate('main', { user: 'new_app' }, { expel }));
      expect((await refusal).message).toMatch(/^expel is ("no"|a number|null): use true or false, or leave it out$/);
    }
    expect(await userOfWork()).toBe('old_app');
    expect((await refusalOf(gateway.rotate('main', { user: '' }))).message).toMatch(/^user of pool "main" is "": name/);
    const unset: object = { password: undefined };
    expect((await refusalOf(gateway.rotate('main', unset))).message).toMatch(/^password of pool "main": .* undefined/);
  });

  it('mends a pool whose password has changed, without waiting for its back-off', async () => {
    await start({ url: urlOf('old_app', `${SECRET}-stale`), ...CONNECTS_IN_PEACE }, hastyStart);
    expect(gateway.readiness().ready).toBe(false);
    await until(() => log.of('database_credentials_refused').length > 0);
    expect(log.of('database_credentials_refused')).toHaveLength(1);
    await gateway.rotate('main', { password: passwordOf('old_app') });
    expect(gateway.readiness().ready).toBe(true);
    expect(await userOfWork()).toBe('old_app');
  });
});

describe('a password function', () => {
  it('is asked for each connection', async () => {
    let asked = 0;
    const password = (): string => {
      asked += 1;
      return passwordOf('old_app');
    };
    await start({ url: `postgres://old_app@127.0.0.1:${postgres.port}/postgres`, password });
    await until(() => gateway.snapshot().pools[0]?.connections.idle === 2);
    expect(asked).toBe(2);
    expect(await userOfWork()).toBe('old_app');
  });

  it.each<[string, () => never | Promise<string>, RegExp]>([
    ['fails', () => Promise.reject(new Error(`${SECRET} is wrong`)), /function of pool "main" failed with Error/],
    [
      'throws',
      () => {
        throw Object.assign(new Error(SECRET), { code: 'ECONNREFUSED' });
      },
      /failed with ECONNREFUSED/,
    ],
    ['gives nothing', () => Promise.resolve(undefined as unknown as string), /gave a value of type undefined/],
    ['gives an empty text', () => Promise.resolve(''), /gave an empty text/],
    ['never answers', () => new Promise<string>(() => undefined), /gave no answer within 300 ms \(connectTimeoutMs\)/],
  ])('that %s is named, and is asked again', async (_, broken, reason) => {
    let current: () => string | Promise<string> = broken;
    const url = `postgres://old_app@127.0.0.1:${postgres.port}/postgres`;
    await start({ url, password: () => current(), connectTimeoutMs: 300 }, hastyStart);
    await until(() => log.of('database_password_unavailable').length > 0);
    expect(log.of('database_password_unavailable')).toHaveLength(1);
    expect(log.of('database_password_unavailable')[0]).toMatch(reason);
    current = () => passwordOf('old_app');
    await until(() => gateway.readiness().ready);
    expect(await userOfWork()).toBe('old_app');
  });
});

describe('a password function that answers no more', () => {
  it('is blamed, and never the server, which nobody asks', async () => {
    let asked = 0;
    let current = (): string | Promise<string> => passwordOf('old_app');
    const password = (): string | Promise<string> => {
      asked += 1;
      return current();
    };
    await start({ url: `postgres://old_app@127.0.0.1:${postgres.port}/postgres`, password, connectTimeoutMs: 600 });
    current = () => new Promise(() => undefined);
    const before = asked;
    await ask(postgres.url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'old_app'");
    await until(() => log.of('database_password_unavailable').length > 0 && asked > before + 2, 8_000);
    expect(log.of('database_unreachable')).toEqual([]);
  });
});

describe('CRE-3', () => {
  it('no print of anything that is exported shows a password, whatever happened before', async () => {
    await start({ password: () => passwordOf('old_app') });
    seen.push(...Object.values(sluice));
    await gateway.run('work', async (handle) => {
      const connection = await handle.connect();
      seen.push(handle, connection);
      seen.push(await refusalOf(connection.query('SELECT nonsense')));
      connection.release();
      await handle.transaction(async (client) => void seen.push(client));
    });
    await refusalOf(gateway.rotate('main', { password: `${SECRET}-wrong` }));
    await postgres.restart('immediate');
    await refusalOf(gateway.run('work', (handle) => handle.query('SELECT nonsense')));
    await ask(postgres.url, "ALTER ROLE old_app PASSWORD 'other'");
    await gateway.rotate('main', { url: urlOf('new_app') });
    await ask(postgres.url, `ALTER ROLE old_app PASSWORD '${passwordOf('old_app')}'`);
    expect(await userOfWork()).toBe('new_app');
  });
});
