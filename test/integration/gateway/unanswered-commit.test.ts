import { createGateway, type Gateway } from 'sluice';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { busyParts, expectBalanced, LogBook, latch } from '../http/harness.js';
import { ask, until } from '../pools/pool-fixture.js';
import { Tap } from '../pools/tap.js';
import { JumpClock } from './jump-clock.js';

let postgres: PostgresServer;
let tap: Tap;
let gateway: Gateway;
const clock = new JumpClock();
const log = new LogBook();

beforeEach(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
  await ask(postgres.url, 'CREATE TABLE notes (text text)');
  tap = await Tap.before(postgres.url);
  gateway = await createGateway(
    {
      maxEventLoopLagMs: 0,
      pools: { main: { url: tap.url, max: 1 } },
      routes: { work: { pool: 'main', deadlineMs: 60_000, commitGraceMs: 100 } },
    },
    { env: {}, logger: log, clock },
  );
});
afterEach(async () => {
  await gateway.drain({ timeoutMs: 0 });
  await tap.close();
  await postgres.close();
});

it('a COMMIT that the network swallows: unknown at the end of the grace, and the seat is free in the end', async () => {
  const { stats, gate, pool } = gateway.entry('work').runtime;
  const ready = latch();
  const silent = latch();
  const run = gateway.run('work', (handle) =>
    handle.transaction(async (client) => {
      await client.query("INSERT INTO notes VALUES ('swallowed')");
      ready.open();
      await silent.promise;
    }),
  );
  const outcome = expect(run).rejects.toMatchObject({ code: 'deadline_expired', outcome: 'unknown', status: 504 });
  await ready.promise;
  tap.silence();
  silent.open();
  await new Promise((resolve) => setImmediate(resolve));
  clock.jump(60_000);
  await outcome;
  expect(gate?.bulkhead.inFlight).toBe(1);

  clock.jump(999);
  await new Promise((resolve) => setImmediate(resolve));
  expect(log.of('commit_waits')).toHaveLength(0);
  clock.jump(28_001);
  await until(() => log.of('commit_waits').length === 1);
  expect(gate?.bulkhead.inFlight).toBe(1);
  clock.jump(1_001);
  await until(() => gate?.bulkhead.inFlight === 0);
  expect(log.of('commit_unanswered')).toHaveLength(1);
  tap.resume();
  await until(() => pool?.pool.state === 'up');
  expect(await gateway.run('work', async (handle) => (await handle.query('SELECT 1')).rowCount)).toBe(1);
  // Nothing was cancelled: what the network gave back later took effect.
  await until(async () => (await ask(postgres.url, 'SELECT 1 FROM notes')).length === 1);
  expect(tap.cancels).toBe(0);
  await until(() => busyParts(gateway).length === 0).catch(() => expect(busyParts(gateway)).toEqual([]));
  expectBalanced(stats, 'work');
});

it('a statement that the network swallows is none: nobody is told of a COMMIT', async () => {
  const { gate } = gateway.entry('work').runtime;
  const sent = latch();
  const run = gateway.run('work', (handle) =>
    handle.transaction(async (client) => {
      await client.query("INSERT INTO notes VALUES ('swallowed')");
      tap.silence();
      sent.open();
      await client.query('SELECT 1');
    }),
  );
  const outcome = expect(run).rejects.toMatchObject({ code: 'deadline_expired', outcome: 'rolled_back' });
  await sent.promise;
  const before = log.of('commit_waits').length;
  clock.jump(60_000);
  await outcome;
  for (let step = 0; step < 40 && gate?.bulkhead.inFlight !== 0; step += 1) {
    clock.jump(500);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until(() => gate?.bulkhead.inFlight === 0);
  expect(log.of('commit_waits')).toHaveLength(before);
});
