import { once } from 'node:events';
import { createServer } from 'node:net';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../src/clock.js';
import { GHOST_MS } from '../../../src/core/fleet-ghosts.js';
import type { ServerShare } from '../../../src/core/fleet-share.js';
import { DeadSessions, type OwnPool } from '../../../src/gateway/fleet-budget-ghosts.js';
import { until } from '../../faults/until.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { makePool, tendedPools } from '../pools/pool-fixture.js';

// What an instance sees of the dead of its fleet on a real server. Time passes only where a test says so.

/** Longer than a look is waited out. */
const SURE_MS = 1_600;
/** Longer than there is between two looks while nobody is dead. */
const CALM_MS = 20_100;

let postgres: PostgresServer;
/** A role that is told little of others. */
let limited: URL;
let nowMs = 1e9;
let dead: DeadSessions;
let own: OwnPool;
let name = '';
const others: pg.Client[] = [];

/** Far ahead of the pools': no deadline of a look passes. */
const clock: Clock = { ...systemClock, nowMs: () => nowMs };

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
  const client = await session(postgres.url, 'owner');
  await client.query("CREATE ROLE limited LOGIN PASSWORD 'secret'");
  await client.end();
  limited = new URL(postgres.url);
  limited.username = 'limited';
  limited.password = 'secret';
});
afterAll(() => postgres.close());

const open = tendedPools(() => postgres, { max: 3, minIdle: 3 });

beforeEach(async () => {
  const made = open({}, limited.href);
  name = made.applicationName;
  own = { pool: made.pool, config: { url: limited.href } };
  await until(() => made.pool.gauges().idle === 3);
  dead = new DeadSessions(clock);
});
afterEach(async () => {
  await end(others.length);
});

async function session(url: string, applicationName: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: applicationName });
  await client.connect();
  return client;
}

/** Sessions of the fleet that are not of this instance; the last one is of another role. */
async function begin(count: number): Promise<void> {
  for (let n = 1; n <= count; n += 1) others.push(await session(n === count ? postgres.url : limited.href, name));
}

/** So many of them end, and the server has noticed. */
async function end(count: number): Promise<void> {
  await Promise.all(others.splice(0, count).map((client) => client.end()));
  const client = await session(postgres.url, 'owner');
  const text = 'SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = $1';
  await until(async () => {
    const { rows } = await client.query<{ n: number }>(text, [name]);
    return (rows[0]?.n ?? 0) <= own.pool.gauges().total + others.length;
  });
  await client.end();
}

function share(ghosts: readonly string[], more: Partial<ServerShare> = {}): ServerShare {
  return { server: 'db', granted: 3, target: 3, othersOpen: 0, charged: 0, ghosts, ...more };
}

it('says at once that nothing is left, where nothing ever was seen', async () => {
  expect(await dead.look([own], share(['a', 'b']))).toBe(true);
  expect(dead.said).toEqual({ gone: ['a', 'b'], left: 0 });
  // That is no news the next time.
  expect(await dead.look([own], share(['a', 'b']))).toBe(false);
  expect(dead.said.gone).toEqual(['a', 'b']);
});

it('counts what is beyond the living, of every role, and believes that there is less only after a while', async () => {
  await begin(4);
  expect(await dead.look([own], share(['a'], { othersOpen: 1 }))).toBe(false);
  expect(dead.said).toEqual({ gone: [], left: 3 });
  await end(2);
  await dead.look([own], share(['a'], { othersOpen: 1 }));
  expect(dead.said.left).toBe(3);
  nowMs += SURE_MS;
  await dead.look([own], share(['a'], { othersOpen: 1 }));
  expect(dead.said.left).toBe(1);
  await end(1);
  await dead.look([own], share(['a'], { othersOpen: 1 }));
  expect(dead.said).toEqual({ gone: [], left: 1 });
  nowMs += SURE_MS;
  expect(await dead.look([own], share(['a'], { othersOpen: 1 }))).toBe(true);
  expect(dead.said).toEqual({ gone: ['a'], left: 0 });
});

it("takes for nobody's what is there while nobody is dead", async () => {
  await begin(2);
  for (let look = 0; look < 3; look += 1) {
    expect(dead.said.strangers).toBeUndefined();
    nowMs += CALM_MS;
    await dead.look([own], share([]));
  }
  expect(dead.said.strangers).toBe(2);
  await end(1);
  // It is too soon for another look.
  await dead.look([own], share([]));
  expect(dead.said.strangers).toBe(2);
  await begin(2);
  await dead.look([own], share(['a'], { strangers: 2 }));
  expect(dead.said).toEqual({ gone: [], left: 1, strangers: 2 });
  await end(1);
  nowMs += SURE_MS;
  expect(await dead.look([own], share(['a'], { strangers: 2 }))).toBe(true);
});

it('goes by what it saw last while it cannot look, for a while', async () => {
  await begin(2);
  await dead.look([own], share(['a']));
  await end(2);
  await dead.look([], share(['a']));
  expect(dead.said).toEqual({ gone: [], left: 2 });
  nowMs += GHOST_MS + 1;
  await dead.look([], share(['a']));
  expect(dead.said).toEqual({ gone: [] });
  // Who was away as well may not be back yet.
  await dead.look([own], share(['a']));
  expect(dead.said).toEqual({ gone: [], left: 0 });
  nowMs += SURE_MS;
  expect(await dead.look([own], share(['a']))).toBe(true);
});

it('says nothing where the server tells no names', async () => {
  await dead.look([{ ...own, config: { url: 'mysql://127.0.0.1/shop' } }], share(['a']));
  expect(dead.said).toEqual({ gone: [] });
});

it('takes no connection that it is opening for one of the dead', async () => {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const address = silent.address();
  const url = `postgres://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/none`;
  const { pool } = makePool({ url }, { max: 1, minIdle: 1 });
  try {
    await until(() => pool.gauges().connecting === 1);
    const opening: OwnPool = { pool, config: { url } };
    await begin(1);
    await dead.look([own, opening], share(['a']));
    expect(dead.said).toEqual({ gone: [] });
    await begin(1);
    await dead.look([own, opening], share(['a']));
    expect(dead.said).toEqual({ gone: [], left: 2 });
  } finally {
    await pool.close(systemClock.nowMs());
    silent.close();
  }
});
