import { createGateway, type Gateway, type GatewayOptions, isSluiceError } from 'sluice';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { PoolBreaker } from '../../../src/breaker/pool-breaker.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { ask, until } from '../pools/pool-fixture.js';

const ILL = 'DO $$ BEGIN RAISE EXCEPTION SQLSTATE $s$XX000$s$; END $$';
const CLASSES = ['critical', 'high', 'normal', 'low'] as const;

let postgres: PostgresServer;
let gateway: Gateway | undefined;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
  await ask(postgres.url, 'CREATE TABLE held (id int PRIMARY KEY)');
  await ask(postgres.url, 'INSERT INTO held VALUES (1), (2)');
});
afterEach(() => gateway?.drain({ timeoutMs: 0 }));
afterAll(() => postgres?.close());

async function make(options: Partial<GatewayOptions> = {}, pool: object = {}): Promise<PoolBreaker | undefined> {
  gateway = await createGateway(
    {
      maxEventLoopLagMs: 0,
      readinessDelayMs: 0,
      ...options,
      pools: { main: { url: postgres.url, max: 4, breakerMinimumCalls: 5, breakerResetMs: 100, ...pool } },
      routes: Object.fromEntries(CLASSES.map((priority) => [priority, { pool: 'main' as const, priority }])),
    },
    { env: {}, logger: { debug() {}, info() {}, warn() {}, error() {} } },
  );
  return gateway.entry('low').runtime.pool?.breaker;
}

/** The code with which a statement ends, or `done`. */
async function run(text: string, route: string = 'low'): Promise<unknown> {
  try {
    await gateway?.run(route, (handle) => handle.query(text));
    return 'done';
  } catch (error) {
    return isSluiceError(error) ? error.code : (error as { code?: unknown }).code;
  }
}

describe('modes that refuse nothing', () => {
  it('observe: the circuit opens and lets every statement through', async () => {
    const breaker = await make({ mode: 'observe' });
    for (let call = 0; call < 20; call++) expect(await run(ILL)).toBe('XX000');
    expect(breaker?.state).toBe('open');
    expect(await run('SELECT 1')).toBe('done');
  });

  it('off: there is no circuit', async () => {
    expect(await make({ mode: 'off' })).toBeUndefined();
    for (let call = 0; call < 20; call++) expect(await run(ILL)).toBe('XX000');
    expect(await run('SELECT 1')).toBe('done');
  });
});

describe('what does not open a circuit, as it really happens', () => {
  it('locks that others hold', async () => {
    const breaker = await make({}, { lockTimeoutMs: 20 });
    const over = gateway?.run('high', async (handle) => {
      await handle.transaction(async (client) => {
        await client.query('SELECT 1 FROM held WHERE id = 1 FOR UPDATE');
        for (let call = 0; call < 10; call++) {
          expect(await run('UPDATE held SET id = id WHERE id = 1')).toBe('database_busy');
        }
      });
    });
    await over;
    expect(breaker?.state).toBe('closed');
    expect(breaker?.statistics(performance.now())).toMatchObject({ failures: 0, slow: 0 });
  });

  it('deadlocks', async () => {
    const breaker = await make();
    let held = 0;
    const lockBoth = (first: number, second: number) =>
      gateway
        ?.run('high', (handle) =>
          handle.transaction(async (client) => {
            await client.query(`UPDATE held SET id = id WHERE id = ${first}`);
            held += 1;
            await until(() => held === 2);
            await client.query(`UPDATE held SET id = id WHERE id = ${second}`);
          }),
        )
        .then(
          () => 'done',
          (error: { code?: unknown }) => error.code,
        );
    const ends = await Promise.all([lockBoth(1, 2), lockBoth(2, 1)]);
    expect(ends.toSorted()).toEqual(['40P01', 'done']);
    expect(breaker?.statistics(performance.now())).toMatchObject({ failures: 0, slow: 0 });
  });

  it('connections that are killed', async () => {
    const breaker = await make();
    for (let call = 0; call < 6; call++) {
      const code = await run('SELECT pg_terminate_backend(pg_backend_pid())');
      expect(['connection_lost', 'database_unavailable']).toContain(code);
      await until(async () => (await run('SELECT 1', 'critical')) === 'done');
    }
    expect(breaker?.state).toBe('closed');
    expect(breaker?.statistics(performance.now())).toMatchObject({ failures: 0, slow: 0 });
  });
});

describe('the way back', () => {
  it('begins with the top class and ends with everybody', async () => {
    const breaker = await make({}, { breakerRampMs: 200, max: 8 });
    for (let call = 0; call < 5; call++) await run(ILL);
    expect(breaker?.state).toBe('open');
    const through: Record<string, number[]> = { critical: [], high: [], normal: [], low: [] };
    const closed = (): boolean => breaker?.state === 'closed';
    while (!closed()) {
      // Refusals take no time: the loop must get its turn.
      await new Promise((resolve) => setImmediate(resolve));
      await Promise.all(
        CLASSES.map(async (route) => {
          const { share } = breaker ?? { share: 0 };
          if ((await run('SELECT 1', route)) === 'done') through[route]?.push(share);
        }),
      );
    }
    const firstShare = (route: string): number => through[route]?.[0] ?? 1;
    expect(firstShare('critical')).toBeLessThanOrEqual(0.05);
    expect(firstShare('normal')).toBeGreaterThanOrEqual(0.2);
    expect(firstShare('low')).toBeGreaterThanOrEqual(0.4);
    for (const route of CLASSES) expect(await run('SELECT 1', route)).toBe('done');
  });
});
