import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createGateway, type Gateway, type PoolOptions, RotationRefusedError, type RouteOptions } from 'sluice';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.js';
import { rotateUnderLoad } from '../gateway/rotate-under-load.js';
import { LogBook } from '../http/harness.js';
import { until } from './pool-fixture.js';

// A whole gateway on MariaDB: what its own tests ask of it on PostgreSQL, as far as the engine matters.

/** Every password of this file begins so, and nothing else does. */
const SECRET = 'Zq8secret';
const MAX_CONNECTIONS = 20;

let mariadb: MariadbServer;
let gateway: Gateway | undefined;
let log: LogBook;

beforeAll(async () => {
  mariadb = await startMariadb({ 'max-connections': String(MAX_CONNECTIONS) });
  for (const user of ['old_app', 'new_app']) {
    await mariadb.ask(`CREATE USER ${user} IDENTIFIED BY '${passwordOf(user)}'`);
    await mariadb.ask(`GRANT ALL ON app.* TO ${user}`);
  }
  await mariadb.ask('CREATE TABLE kept (n int)');
});
beforeEach(() => {
  log = new LogBook();
});
afterEach(async () => {
  await gateway?.drain({ timeoutMs: 0 });
  expect(JSON.stringify(log.entries)).not.toContain(SECRET);
  gateway = undefined;
});
afterAll(() => mariadb.close());

function passwordOf(user: string): string {
  return `${SECRET}-${user}/?`;
}

function urlOf(user: string): string {
  return `mysql://${user}:${encodeURIComponent(passwordOf(user))}@127.0.0.1:${mariadb.port}/app`;
}

async function start(pool: PoolOptions<'main'> = {}, route: RouteOptions<'main'> = {}): Promise<Gateway> {
  gateway = await createGateway(
    {
      maxEventLoopLagMs: 0,
      pools: { main: { url: urlOf('old_app'), max: 4, minIdle: 2, ...pool } },
      routes: { work: { pool: 'main', deadlineMs: 20_000, ...route } },
    },
    { env: {}, logger: log },
  );
  return gateway;
}

async function userOfWork(running: Gateway): Promise<unknown> {
  const { rows } = await running.run('work', (handle) =>
    handle.query<{ name: string }>("SELECT SUBSTRING_INDEX(USER(), '@', 1) AS name"),
  );
  return rows[0]?.name;
}

async function usersOnServer(): Promise<string[]> {
  const rows = await mariadb.ask<{ USER: string } & import('mysql2').RowDataPacket>(
    "SELECT DISTINCT USER FROM information_schema.PROCESSLIST WHERE USER LIKE '%_app' ORDER BY 1",
  );
  return rows.map(({ USER }) => USER);
}

describe('a rotation to a second user', () => {
  it('costs no request under load, cuts no transaction, and resolves when the first user is gone', async () => {
    const running = await start();
    await rotateUnderLoad({
      gateway: running,
      callers: 6,
      password: passwordOf('new_app'),
      userOfWork: () => userOfWork(running),
      usersOnServer,
      kept: () => mariadb.ask('SELECT n FROM kept ORDER BY n'),
    });
    expect(log.entries).toEqual([]);
  });

  it('that the server refuses changes nothing', async () => {
    const running = await start();
    const refusal = running.rotate('main', { user: 'new_app', password: `${SECRET}-wrong` });
    const error: unknown = await refusal.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RotationRefusedError);
    expect(String(error)).not.toContain(SECRET);
    expect(await userOfWork(running)).toBe('old_app');
    expect(await usersOnServer()).toEqual(['old_app']);
  });
});

describe('the budget', () => {
  it('of a server that has less fails the start, shows the sum, and leaves no session behind', async () => {
    const error: unknown = await start({ max: 30 }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toMatch(
      /main 30 = 30 connections x 1 instance = 30, 1 of those that stop .*, and 3 in reserve/,
    );
    expect(String(error)).toMatch(/gives 20 \(max_connections 20\b.*lower the sizes of the pools to 16/);
    expect(String(error)).not.toContain(SECRET);
    await until(async () => (await usersOnServer()).length === 0);
  });
});

describe('a COMMIT that waits beyond the deadline', () => {
  afterEach(() => mariadb.ask('BACKUP STAGE END').catch(() => undefined));

  it('is cut by no limit of its session, and takes effect within its grace', async () => {
    const running = await start({ max: 1, minIdle: 1 }, { commitGraceMs: 20_000 });
    await mariadb.ask('BACKUP STAGE START');
    await mariadb.ask('BACKUP STAGE BLOCK_COMMIT');
    const work = running.run(
      'work',
      (handle) => handle.transaction((client) => client.query('INSERT INTO kept VALUES (-1)')),
      { budgetMs: 500 },
    );
    const outcome = expect(work).resolves.toMatchObject({ rowCount: 1 });
    // Its own time is more than the deadline and the limit that the statements before it had.
    await until(async () => (await committingMs()) > 600);
    await mariadb.ask('BACKUP STAGE END');
    await outcome;
    expect(await mariadb.ask('SELECT n FROM kept WHERE n = -1')).toHaveLength(1);
  });

  async function committingMs(): Promise<number> {
    const [row] = await mariadb.ask<{ ms: number | null } & import('mysql2').RowDataPacket>(
      "SELECT MAX(TIME_MS) AS ms FROM information_schema.PROCESSLIST WHERE USER = 'old_app' AND INFO LIKE '%COMMIT'",
    );
    return Number(row?.ms ?? 0);
  }
});

describe('without the package mysql2', () => {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const elsewhere = mkdtempSync(join(tmpdir(), 'sluice-no-mysql2-'));
  afterAll(() => rmSync(elsewhere, { recursive: true, force: true }));

  it('one line says what to install', async () => {
    for (const part of ['package.json', 'dist/src'])
      cpSync(join(root, part), join(elsewhere, part), { recursive: true });
    mkdirSync(join(elsewhere, 'node_modules'));
    for (const each of readdirSync(join(root, 'node_modules')).filter((name) => name !== 'mysql2')) {
      symlinkSync(join(root, 'node_modules', each), join(elsewhere, 'node_modules', each));
    }
    const program = `
      const { createGateway } = await import('./dist/src/index.js');
      const pools = { main: { url: 'mysql://app:${SECRET}@127.0.0.1:1/app', max: 1 } };
      await createGateway({ pools, routes: { work: { pool: 'main' } } }, { env: {} }).catch(({ message }) => {
        console.log(message);
        process.exit(0);
      });`;
    const args = ['--input-type=module', '--eval', program];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: elsewhere });
    expect(stderr).toBe('');
    const [, ...mistakes] = stdout.trimEnd().split('\n');
    expect(mistakes).toEqual([
      '  - pools.main.url: a mysql:// URL needs the package "mysql2", which is not installed: run "npm install mysql2"',
    ]);
    expect(stdout).not.toContain(SECRET);
  });
});
