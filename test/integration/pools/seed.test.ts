import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { FOREVER, tendedPools } from './pool-fixture.js';

let postgres: PostgresServer;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
});
afterAll(() => postgres.close());

const open = tendedPools(() => postgres, { max: 1 });

it.each(['SELECT setseed(0.5)', 'SET seed TO 0.5'])('%s does not tell what the next borrower draws', async (seed) => {
  const { pool } = open();
  const draw = async (): Promise<unknown> => {
    const connection = await pool.acquire(FOREVER);
    const { rows } = await connection.query('SELECT random() AS drawn', undefined, undefined);
    await connection.query(seed, undefined, undefined);
    await connection.release();
    return rows[0]?.drawn;
  };
  await draw();
  expect(await draw()).not.toBe(await draw());
  expect(pool.gauges().opened).toBe(1);
});
