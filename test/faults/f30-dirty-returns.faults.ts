import type { RequestHandle } from 'sluice';
import { metrics, protect } from 'sluice/express';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from '../integration/pools/pool-fixture.js';
import { type PostgresServer, startPostgres } from '../support/postgres.js';
import { type FaultApp, startFaultApp } from './fault-app.js';
import { describeFault } from './repetitions.js';

// F30: handlers leave something of theirs in the session. Nobody else may find it, and it is told whose handler it is.

type Work = (sluice: RequestHandle) => Promise<unknown>;

/** A connection that the handler steers itself, and that it gives back as it stands. */
function leaving(...statements: readonly string[]): Work {
  return async (sluice) => {
    const client = await sluice.connect();
    for (const statement of statements) await client.query(statement);
    client.release();
  };
}

const LEAVERS: readonly (readonly [what: string, work: Work])[] = [
  ['a setting', (sluice) => sluice.query("SET search_path = 'elsewhere'")],
  ['a setting by a function', (sluice) => sluice.query("SELECT set_config('app.tenant', 'somebody', false)")],
  ['a temporary table', (sluice) => sluice.query('CREATE TEMP TABLE left_here AS SELECT 1 AS one')],
  ['a channel', (sluice) => sluice.query('LISTEN left_here')],
  ['a lock', (sluice) => sluice.query('SELECT pg_advisory_lock(4711)')],
  ['a prepared statement', (sluice) => sluice.query('PREPARE left_here AS SELECT 1')],
  ['a cursor', leaving('BEGIN', 'DECLARE left_here CURSOR WITH HOLD FOR SELECT 1', 'COMMIT')],
  ['an open transaction', leaving('BEGIN', 'INSERT INTO kept VALUES (1)')],
  ['a role', (sluice) => sluice.query('SET ROLE pg_monitor')],
];

/** Everything of the above that a session can show, in one row. */
const STATE = `SELECT current_setting('search_path') AS path, coalesce(current_setting('app.tenant', true), '') AS tenant,
  (SELECT count(*)::int FROM pg_class WHERE relname = 'left_here') AS tables, array(SELECT pg_listening_channels()) AS channels,
  (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory') AS locks,
  (SELECT count(*)::int FROM pg_prepared_statements WHERE name <> '') AS prepared,
  (SELECT count(*)::int FROM pg_cursors WHERE name <> '') AS cursors, current_user::text AS role,
  (SELECT count(*)::int FROM kept) AS kept, pg_current_xact_id_if_assigned() IS NOT NULL AS open`;

const CLEAN = {
  path: '"$user", public',
  tenant: '',
  tables: 0,
  channels: [],
  locks: 0,
  prepared: 0,
  cursors: 0,
  role: 'postgres',
  kept: 0,
  open: false,
};

let postgres: PostgresServer;
let app: FaultApp;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
  await ask(postgres.url, 'CREATE TABLE kept (id integer)');
  app = await startFaultApp(
    {
      url: postgres.url,
      // One connection, so that whoever comes next finds what was left.
      pools: { main: { max: 1, minIdle: 1 } },
      routes: { leaver: { pool: 'main' }, next: { pool: 'main' } },
    },
    (express, gateway) => {
      express.get('/metrics', metrics(gateway));
      express.get(
        '/leaver/:index',
        protect(gateway, 'leaver', {}, async (req, res) => {
          await LEAVERS[Number(req.params.index)]?.[1](req.sluice);
          res.json({});
        }),
      );
      express.get(
        '/next',
        protect(gateway, 'next', {}, async (req, res) => {
          res.json((await req.sluice.query(STATE)).rows[0]);
        }),
      );
      express.get(
        '/rolled-back',
        protect(gateway, 'next', {}, async (req, res) => {
          const work = req.sluice.transaction(async (client) => {
            await client.query('INSERT INTO kept VALUES (2)');
            throw new Error('the handler thinks better of it');
          });
          res.json({ error: String(await work.catch((error: unknown) => error)) });
        }),
      );
    },
  );
});
afterAll(async () => {
  await app.close();
  await postgres.close();
});

describeFault('F30: a handler leaves something in its session', () => {
  it.each(LEAVERS.map(([what], index) => ({ what, index })))('$what: nobody else finds it', async ({ index }) => {
    const before = app.stats('leaver').dirtyReturns;
    expect((await app.send(`/leaver/${index}`)).status).toBe(200);
    const next = await app.send('/next');
    expect({ status: next.status, ...next.body }).toEqual({ status: 200, ...CLEAN });
    expect(app.stats('leaver').dirtyReturns - before).toBe(1);
    await app.expectAtRest();
  });

  it('is told of once, with the remedy, where a statement of query() did it', () => {
    const told = app.log.of('session_state_undone');
    expect(told).toEqual([expect.stringMatching(/^route "leaver": .* a setting, .* connect\(\)/)]);
  });

  it('is told by route, and an ordinary rollback is nothing to tell', async () => {
    const { body } = await app.send('/rolled-back');
    expect(body.error).toContain('thinks better');
    expect((await app.send('/next')).body).toEqual(CLEAN);
    const text = await (await fetch(`http://127.0.0.1:${app.port}/metrics`)).text();
    const told = Object.fromEntries(
      [...text.matchAll(/^sluice_dirty_returns_total\{route="(\w+)".*\} (\d+)$/gm)].map(([, route, n]) => [route, n]),
    );
    expect(told).toEqual({ leaver: String(app.stats('leaver').dirtyReturns), next: '0' });
    // The one session has served everybody: it was cleaned, not replaced.
    expect([...app.gateway.telemetry().pools()][0]?.gauges().opened).toBe(1);
    await app.expectAtRest();
  });
});
