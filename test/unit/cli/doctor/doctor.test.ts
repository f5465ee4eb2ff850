import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Finding } from '../../../../src/cli/doctor/finding.js';
import { checkHost, type Host, thisHost } from '../../../../src/cli/doctor/host-checks.js';
import { resolveConfig } from '../../../../src/config/resolve.js';
import { ask } from '../../../integration/pools/pool-fixture.js';
import { type Call, Folder } from '../../../support/captured.js';
import { type MariadbServer, startMariadb } from '../../../support/mariadb-server.js';
import { type PgbouncerServer, startPgbouncer } from '../../../support/pgbouncer-server.js';
import { type PostgresServer, startPostgres } from '../../../support/postgres.js';
import { RedisServer } from '../../../support/redis-server.js';

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

const routes = { checkout: { pool: 'shop' } };

/** The findings of a call, by `about check`. */
function findingsOf({ out }: Call): ReadonlyMap<string, Finding> {
  const { findings }: { findings: Finding[] } = JSON.parse(out);
  return new Map(findings.map((finding) => [`${finding.about} ${finding.check}`, finding]));
}

function examine(options: object, ...flags: string[]): Promise<Call> {
  return folder.call(['doctor', '--config', folder.write('gateway.json', options), '--json', ...flags]);
}

describe('sluice doctor on PostgreSQL', () => {
  let postgres: PostgresServer;
  beforeAll(async () => {
    postgres = await startPostgres({ settings: { fsync: 'off', max_connections: '40' } });
  });
  afterAll(() => postgres.close());

  const shop = (fields: object = {}): object => ({ pools: { shop: { url: postgres.url, max: 8, ...fields } }, routes });

  it('finds nothing wrong where nothing is, and says what it looked at', async () => {
    const call = await examine(shop());
    expect(call.code).toBe(0);
    const findings = findingsOf(call);
    expect([...findings.keys()]).toEqual([
      ...['node', 'pg', 'descriptors', 'ports'].map((check) => `host ${check}`),
      ...['login', 'version', 'tls', 'clock', 'budget'].map((check) => `pool "shop" ${check}`),
    ]);
    expect(findings.get('pool "shop" version')).toMatchObject({
      state: 'ok',
      found: expect.stringMatching(/^PostgreSQL 1\d\.\d+$/),
    });
    expect(findings.get('pool "shop" clock')?.found).toMatch(/^the server's clock is \d{1,2} ms (?:ahead of|behind)/);
    expect(call.err).toContain('looking at pool "shop"');
  });

  it('opens its sessions under a name of its own, and leaves none behind', async () => {
    await examine(shop());
    const left = await ask(postgres.url, "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE '%-doctor'");
    expect(left).toEqual([]);
  });

  it('refuses pools that do not fit, with the sum and what fits', async () => {
    const call = await examine({ ...shop({ max: 20 }), instances: 3 });
    expect(call.code).toBe(1);
    expect(findingsOf(call).get('pool "shop" budget')).toMatchObject({
      state: 'failure',
      found: expect.stringContaining('shop 20 = 20 connections x 3 instances = 60'),
      remedy: expect.stringContaining('lower the sizes of the pools to 10 in all'),
    });
  });

  it('knows the limits of the user and of the database, which no max_connections shows', async () => {
    await ask(postgres.url, "CREATE ROLE narrow LOGIN PASSWORD 'narrow' CONNECTION LIMIT 5");
    await ask(postgres.url, 'CREATE DATABASE small CONNECTION LIMIT 12');
    const url = new URL(postgres.url);
    Object.assign(url, { username: 'narrow', password: 'narrow', pathname: '/small' });
    const findings = findingsOf(await examine(shop({ url: url.href })));
    expect(findings.get('pool "shop" user-limit')).toMatchObject({
      state: 'failure',
      found: expect.stringMatching(/^shop 8 = 8 .* user "narrow" may have 5 /),
    });
    expect(findings.get('pool "shop" database-limit')).toMatchObject({
      state: 'ok',
      found: expect.stringMatching(/may have 12 /),
    });
  });

  it('takes two addresses of one server for one', async () => {
    const far = { url: postgres.url, max: 50 };
    const near = { url: postgres.url.replace('127.0.0.1', 'localhost'), max: 50 };
    const call = await examine({ pools: { far, near }, routes: { work: { pool: 'far' } } });
    for (const pool of ['far', 'near']) {
      expect(findingsOf(call).get(`pool "${pool}" budget`)).toMatchObject({
        state: 'failure',
        found: expect.stringMatching(/^far 50 \+ near 50 = 100 connections .*127\.0\.0\.1:\d+ = localhost:\d+"/),
      });
    }
  });

  it.each([
    [
      'a wrong password',
      (url: URL) => Object.assign(url, { password: 'hush-hush' }),
      /user or the password/,
      /^correct/,
    ],
    [
      'a database that is not there',
      (url: URL) => Object.assign(url, { pathname: '/none' }),
      /no such database/,
      /^create/,
    ],
    [
      'a port where nobody listens',
      (url: URL) => Object.assign(url, { port: '1' }),
      /cannot be reached \(.*ECONNREFUSED/,
      /^see that the server has started/,
    ],
    [
      'TLS that the server lacks',
      (url: URL) => Object.assign(url, { search: '?sslmode=require' }),
      /over TLS/,
      /^mend/,
    ],
  ])(
    'tells %s from the rest, at once, with what helps and without the secret',
    async (_what, change, found, remedy) => {
      const fromMs = performance.now();
      const call = await examine(shop({ url: change(new URL(postgres.url)).href }));
      expect(call.code).toBe(1);
      expect(findingsOf(call).get('pool "shop" login')).toMatchObject({
        state: 'failure',
        found: expect.stringMatching(found),
        remedy: expect.stringMatching(remedy),
      });
      // A gateway tries again and keeps what is open; the doctor has neither.
      expect(call.out).not.toMatch(/tried again|go on|hush-hush/);
      expect(performance.now() - fromMs).toBeLessThan(3_000);
    },
  );

  it('tells what the url says and the driver does not read', async () => {
    const url = `${postgres.url}?target_session_attrs=read-write`;
    expect(findingsOf(await examine(shop({ url }))).get('pool "shop" url')).toMatchObject({
      state: 'warning',
      found: 'the driver does not read target_session_attrs of the url',
      remedy: expect.stringMatching(/^let the url lead to the primary/),
    });
  });

  it('shows the same to people, in words', async () => {
    const config = folder.write('gateway.json', shop({ max: 1_000 }));
    const call = await folder.call(['doctor', '--config', config]);
    expect(call.out).toMatch(/^host\n {2}ok {7}node: Node \d/);
    expect(call.out).toMatch(/failure {2}budget: shop 1000[\s\S]*\n {11}-> lower the sizes/);
    expect(call.out).toMatch(/\n\n1 failed, \d to look at, 0 unknown, \d well$/);
    expect(call.out).not.toContain('\u001b');
    // Nothing listens there: a login that fails is no warning.
    const near = await examine({ ...shop(), redisUrl: 'redis://127.0.0.1:1' });
    expect(findingsOf(near).get('redis reach')).toMatchObject({ state: 'failure' });
  });

  describe('through PgBouncer', () => {
    let pooler: PgbouncerServer;
    const start = async (mode: string): Promise<string> => {
      const { hostname, port, username, password } = new URL(postgres.url);
      pooler = await startPgbouncer({
        databases: [`shop = host=${hostname} port=${port} dbname=postgres user=${username} password=${password}`],
        users: { web: 'secret' },
        settings: { pool_mode: mode, default_pool_size: 6, auth_type: 'plain' },
      });
      return `postgres://web:secret@127.0.0.1:${pooler.port}/shop`;
    };
    afterEach(() => pooler.close());

    it('compares the pools with the size of the pooler', async () => {
      const url = await start('transaction');
      const call = await examine(shop({ url, poolerSize: 6 }));
      expect(findingsOf(call).get('pool "shop" pooler')).toMatchObject({
        state: 'failure',
        found: expect.stringContaining('has 6 for them'),
        remedy: expect.stringContaining('raise pool_size'),
      });
    });

    it('tells a pooler that finds its server late from one that does not, and from one that nobody can ask', async () => {
      const url = await start('transaction');
      const recovery = async (poolerAdminUrl?: string): Promise<unknown[]> => {
        const found = findingsOf(
          await examine(shop({ url, max: 6, poolerSize: 6, ...(poolerAdminUrl && { poolerAdminUrl }) })),
        );
        return ['pooler_recovers_late', 'pooler-recovery'].map((check) => found.get(`pool "shop" ${check}`)?.state);
      };
      expect(await recovery()).toEqual([undefined, 'unknown']);
      expect(await recovery(pooler.adminUrl)).toEqual(['warning', undefined]);
      await pooler.admin("SET server_login_retry = '0.2'");
      expect(await recovery(pooler.adminUrl)).toEqual([undefined, 'ok']);
    });

    it('warns of session mode, and of a size that nobody tells; strictly, that fails', async () => {
      const url = await start('session');
      const call = await examine(shop({ url, pooler: 'pgbouncer' }));
      expect(findingsOf(call).get('pool "shop" pooler_session_mode')).toMatchObject({
        state: 'warning',
        remedy: expect.stringContaining('pool_mode = transaction'),
      });
      expect(findingsOf(call).get('pool "shop" pooler_size_unknown')?.remedy).toMatch(/^set poolerSize/);
      expect(call.code).toBe(0);
      expect((await examine(shop({ url, pooler: 'pgbouncer' }), '--strict')).code).toBe(1);
    });

    it('refuses statement mode', async () => {
      const call = await examine(shop({ url: await start('statement'), pooler: 'pgbouncer' }));
      expect(call.code).toBe(1);
      expect(findingsOf(call).get('pool "shop" pooler')).toMatchObject({
        state: 'failure',
        found: expect.stringContaining('statement mode'),
      });
    });
  });

  describe('with Redis', () => {
    let redis: RedisServer;
    afterEach(() => redis.close());

    it('tells its version, its distance and its clock', async () => {
      redis = await RedisServer.start({ password: 'hush-hush' });
      const call = await examine({ ...shop(), redisUrl: redis.url });
      expect(call.code).toBe(0);
      const findings = findingsOf(call);
      expect(findings.get('redis version')?.found).toMatch(/^Redis \d/);
      expect(findings.get('redis distance')).toMatchObject({
        state: 'ok',
        found: expect.stringMatching(/^answers in \d+\.\d ms$/),
      });
      expect(findings.get('redis clock')).toMatchObject({ state: 'ok' });
      expect(findings.get('host ioredis')).toMatchObject({ state: 'ok' });
      expect(call.out).not.toContain('hush-hush');
    });

    it('warns of one that forgets limits when it is full', async () => {
      redis = await RedisServer.start({ settings: { maxmemory: '64mb', 'maxmemory-policy': 'allkeys-lru' } });
      const findings = findingsOf(await examine({ ...shop(), redisUrl: redis.url }));
      expect(findings.get('redis memory')).toMatchObject({
        state: 'warning',
        found: expect.stringMatching(/allkeys-lru/),
      });
    });

    it('does not wait for one that is silent', async () => {
      redis = await RedisServer.start();
      redis.freeze();
      const call = await examine({ ...shop(), redisUrl: redis.url });
      expect(findingsOf(call).get('redis reach')).toMatchObject({ state: 'failure' });
    });
  });
});

describe('sluice doctor on MariaDB', () => {
  let mariadb: MariadbServer;
  beforeAll(async () => {
    mariadb = await startMariadb();
  });
  afterAll(() => mariadb.close());

  it('asks the server in its own language', async () => {
    const call = await examine({ pools: { shop: { url: mariadb.url, max: 4 } }, routes });
    const findings = findingsOf(call);
    expect(findings.get('pool "shop" version')?.found).toMatch(/^MariaDB \d+\.\d+/);
    expect(findings.get('pool "shop" clock')).toMatchObject({ state: 'ok' });
    expect(findings.get('pool "shop" budget')).toMatchObject({
      state: 'ok',
      found: expect.stringMatching(/max_connections \d+/),
    });
    expect(findings.get('host mysql2')).toMatchObject({ state: 'ok' });
    expect(call.code).toBe(0);
  });
});

describe('what the host bears', () => {
  const config = resolveConfig({ pools: { shop: { url: 'postgres://h/d', max: 100 } }, routes }, {});
  const host = (fields: Partial<Host>): Finding[] => checkHost(config, { ...thisHost(), ...fields });
  const state = (findings: Finding[], check: string): unknown => findings.find((each) => each.check === check)?.state;

  it.each<[Partial<Host>, check: string, state: string]>([
    [{ nodeVersion: '20.18.3' }, 'node', 'failure'],
    [{ nodeVersion: '20.19.0' }, 'node', 'ok'],
    [{ nodeVersion: '24.0.0' }, 'node', 'ok'],
    [{ versionOf: () => undefined }, 'pg', 'failure'],
    [{ descriptors: 127 }, 'descriptors', 'failure'],
    [{ descriptors: 165 }, 'descriptors', 'failure'],
    [{ descriptors: 166 }, 'descriptors', 'warning'],
    [{ descriptors: 663 }, 'descriptors', 'warning'],
    [{ descriptors: 664 }, 'descriptors', 'ok'],
    [{ descriptors: undefined }, 'descriptors', 'unknown'],
    [{ ports: 1_099 }, 'ports', 'warning'],
    [{ ports: 1_100 }, 'ports', 'ok'],
    [{ ports: undefined }, 'ports', 'unknown'],
  ])('%j: %s is %s', (fields, check, expected) => {
    expect(state(host(fields), check)).toBe(expected);
  });

  it('gives a remedy with everything that is not well', () => {
    const findings = host({ nodeVersion: '18.0.0', descriptors: 600, ports: 10, versionOf: () => undefined });
    expect(findings.map(({ remedy }) => remedy)).toEqual([
      'use Node 20.19 or newer',
      'run "npm install pg"',
      expect.stringMatching(/^raise "ulimit -n"/),
      expect.stringMatching(/^widen net\.ipv4\.ip_local_port_range to at least 1100/),
    ]);
  });
});
