import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import postgres from 'postgres';
import { createGateway } from '../../../src/index.js';
import { type DownCall, type DownContender, type DownRun, PATIENCE_MS } from './contenders.js';

// The process of one contender: `node main.js <contender> <url> <start> <calls> <every>` makes so many calls, one every
// so many milliseconds from the instant on, in milliseconds of the wall clock, and answers over IPC with a DownRun.

type Ask = () => Promise<unknown>;

const MAX = 5;
const TEXT = 'SELECT 1';

const [contender = '', url = '', start = '0', calls = '0', every = '0'] = process.argv.slice(2);
process.once('disconnect', () => process.exit(0));
process.send?.(await run(contender as DownContender), () => process.exit(0));

async function run(name: DownContender): Promise<DownRun> {
  const ask = await make(name);
  const made: Promise<DownCall>[] = [];
  for (let index = 0; index < Number(calls); index += 1) {
    await delay(Number(start) + index * Number(every) - Date.now());
    made.push(call(ask));
  }
  return await Promise.all(made);
}

async function call(ask: Ask): Promise<DownCall> {
  const sentAtMs = Date.now();
  const from = performance.now();
  const ok = await ask().then(
    () => true,
    () => false,
  );
  return { sentAtMs, tookMs: performance.now() - from, ok };
}

async function make(name: DownContender): Promise<Ask> {
  switch (name) {
    case 'sluice': {
      const gateway = await createGateway(
        { pools: { main: { url, max: MAX } }, routes: { work: { pool: 'main', deadlineMs: PATIENCE_MS } } },
        { env: {} },
      );
      return () => gateway.run('work', (handle) => handle.query(TEXT));
    }
    case 'postgres-js': {
      const sql = postgres(url, { max: MAX, connect_timeout: PATIENCE_MS / 1_000 });
      return () => sql.unsafe(TEXT);
    }
    default:
      return pgPool(name);
  }
}

function pgPool(name: DownContender): Ask {
  const pool = new pg.Pool({
    connectionString: url,
    max: MAX,
    // A connection that is given up for idling would make it luck what is lost.
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: PATIENCE_MS,
    ...(name === 'pg-pool-keepalive' ? { keepAlive: true, keepAliveInitialDelayMillis: 1_000 } : {}),
    ...(name === 'pg-pool-bounded' ? { query_timeout: PATIENCE_MS } : {}),
  });
  pool.on('error', () => undefined);
  return () => pool.query(TEXT);
}
