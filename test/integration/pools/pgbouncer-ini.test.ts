import { afterEach, beforeEach, expect, it } from 'vitest';
import { startPgbouncer } from '../../support/pgbouncer-server.js';
import { Folder } from '../../unit/cli/captured.js';

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

const SERVER = 'postgres://shop:secret-word@db.example:5433/shop';
const OPTIONS = {
  instances: 2,
  pools: {
    checkout: { url: SERVER, max: 16 },
    reports: { url: SERVER, max: 4, minIdle: 1 },
    admin: { url: SERVER, max: 2, admin: true },
  },
  routes: { pay: { pool: 'checkout', deadlineMs: 500 }, report: { pool: 'reports', deadlineMs: 30_000 } },
};

function call(options: object, ...args: string[]): ReturnType<Folder['call']> {
  return folder.call(['pgbouncer', '--config', folder.write('gateway.json', options), ...args]);
}

/** The settings of a section, without comments. */
function section(text: string, name: string): [key: string, value: string][] {
  const [, body = ''] = text.split(`[${name}]`);
  const lines = body.split(/^\[/m)[0]?.split('\n') ?? [];
  return lines.flatMap((line): [string, string][] => {
    const [, key, value] = /^(\w+) = (.*)$/.exec(line) ?? [];
    return key === undefined || value === undefined ? [] : [[key, value]];
  });
}

it('PGB-1 PGB-2 PGB-3 PGB-4: writes a file that PgBouncer takes as it stands, from the sizes of the pools', async () => {
  const { code, out, err } = await call(OPTIONS, '--max-connections', '100');
  expect([code, err]).toEqual([0, '']);
  expect(out).not.toContain('secret-word');
  const settings = Object.fromEntries(section(out, 'pgbouncer'));
  expect(settings).toMatchObject({ pool_mode: 'transaction', query_wait_timeout: '35', max_client_conn: '108' });
  const { listen_addr: _addr, listen_port: _port, auth_file: _file, admin_users: _admins, ...kept } = settings;
  const pooler = await startPgbouncer({
    databases: section(out, 'databases').map(([key, value]) => `${key} = ${value}`),
    users: { shop: 'secret-word' },
    settings: kept,
  });
  try {
    const databases = await pooler.admin('SHOW DATABASES');
    const entry = (name: string): object | undefined => databases.find((each) => each.name === name);
    expect(entry('checkout')).toMatchObject({ host: 'db.example', port: 5_433, database: 'shop', pool_size: 32 });
    expect(entry('reports')).toMatchObject({ pool_size: 8, min_pool_size: 2, reserve_pool: 1 });
    // Who must always get in goes to the server itself.
    expect(entry('admin')).toBeUndefined();
    expect(await pooler.log()).not.toMatch(/WARNING|ERROR|unknown/);
    const effective = new Map((await pooler.admin('SHOW CONFIG')).map(({ key, value }) => [key, String(value)]));
    for (const [key, value] of Object.entries(kept))
      expect([key, Number(effective.get(key))]).toEqual([key, Number(value)]);
  } finally {
    await pooler.close();
  }
});

it('SIZ-6: writes nothing that the server has no room for, and shows the sum', async () => {
  const { code, out, err } = await call(OPTIONS, '--max-connections', '50');
  expect([code, out]).toEqual([1, '']);
  expect(err).toContain('the pools use 40 connections at once in 2 instances, and the server has 35 for them');
});

it.each([
  [1, { ...OPTIONS, pools: {}, routes: { ping: {} } }, [], 'the configuration has no pools'],
  [2, OPTIONS, ['--port', '0'], '--port is 0: use a whole number from 1 to 1000000'],
  [2, OPTIONS, ['--max-connections', '1.5'], '--max-connections is 1.5'],
])('ends with %d and names what cannot be used: %#', async (status, options, args, message) => {
  const { code, err } = await call(options, ...args);
  expect(code).toBe(status);
  expect(err).toContain(message);
});
