import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import postgres from 'postgres';
import { systemClock } from '../../../src/clock.js';
import { createPgPool } from '../../../src/pools/connection-pool.js';
import type { SpikeContender, SpikeRun } from './contenders.js';

// The process of one spike: `node main.js <contender> <url> <callers> <work ms>` answers over IPC with a SpikeRun.

/** A pool as the spike sees it. */
interface SpikePool {
  /** Opens so many connections and leaves them idle. */
  warm(connections: number): Promise<void>;
  ask(text: string): Promise<unknown>;
  /** Since its start. */
  opened(): number | Promise<number>;
  close(): Promise<void>;
}

const WARM = 5;
const MAX = 50;

const [contender = '', url = '', callers = '0', workMs = '0'] = process.argv.slice(2);
process.once('disconnect', () => process.exit(0));
process.send?.(await spike(contender as SpikeContender), () => process.exit(0));

async function spike(name: SpikeContender): Promise<SpikeRun> {
  const pool = make(name);
  await pool.warm(name === 'pg-pool-warm' ? MAX : WARM);
  const text = `SELECT pg_sleep(${Number(workMs) / 1_000})`;
  // The driver's code is warm, too.
  for (let i = 0; i < 50; i += 1) await pool.ask(text);
  const before = await pool.opened();
  const from = performance.now();
  const ask = async (): Promise<number> => {
    await pool.ask(text);
    return performance.now() - from;
  };
  const tookMs = await Promise.all(Array.from({ length: Number(callers) }, ask));
  // Connections still on their way arrive, so that they are counted.
  await delay(400);
  const opened = (await pool.opened()) - before;
  await pool.close();
  return { tookMs, opened };
}

function make(name: SpikeContender): SpikePool {
  if (name === 'sluice') return sluice();
  return name === 'postgres-js' ? postgresJs() : pgPool(name === 'pg-pool-small' ? WARM : MAX);
}

function sluice(): SpikePool {
  const nothing = (): void => undefined;
  const pool = createPgPool({
    name: 'spike',
    url,
    max: MAX,
    minIdle: WARM,
    connectTimeoutMs: 2_000,
    idleTimeoutMs: 60_000,
    maxLifetimeMs: 1_800_000,
    validateAfterIdleMs: 500,
    lockTimeoutMs: 0,
    applicationName: 'spike',
    clock: systemClock,
    random: Math.random,
    listener: { onDown: nothing, onUp: nothing, onGranted: nothing, onWarning: nothing },
  });
  return {
    warm: async (connections) => {
      while (pool.gauges().idle < connections) await delay(5);
    },
    ask: async (text) => {
      const connection = await pool.acquire({ deadlineAtMs: Number.POSITIVE_INFINITY, rank: 0 });
      await connection.query(text, undefined, undefined);
      void connection.release();
    },
    opened: () => pool.gauges().opened,
    close: () => pool.close(0),
  };
}

function pgPool(max: number): SpikePool {
  let opened = 0;
  const pool = new pg.Pool({ connectionString: url, max, idleTimeoutMillis: 60_000 });
  pool.on('connect', () => {
    opened += 1;
  });
  pool.on('error', () => undefined);
  return {
    warm: async (connections) => {
      const clients = await Promise.all(Array.from({ length: connections }, () => pool.connect()));
      for (const client of clients) client.release();
    },
    ask: (text) => pool.query(text),
    opened: () => opened,
    close: () => pool.end(),
  };
}

/** It tells nobody when it connects, so the server is asked. */
function postgresJs(): SpikePool {
  const name = `spike-${process.pid}`;
  const sql = postgres(url, { max: MAX, connection: { application_name: name } });
  return {
    warm: async (connections) => {
      await Promise.all(Array.from({ length: connections }, () => sql`SELECT pg_sleep(0.3)`));
    },
    ask: (text) => sql.unsafe(text),
    opened: async () => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      const { rowCount } = await client.query('SELECT 1 FROM pg_stat_activity WHERE application_name = $1', [name]);
      await client.end();
      return rowCount ?? 0;
    },
    close: () => sql.end(),
  };
}
