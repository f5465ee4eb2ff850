import { fileURLToPath } from 'node:url';
import pg from 'pg';
import type { ClientsPlan, ClientsResult } from '../../load/clients/plan.js';
import { type ServerProcess, startServer } from '../../load/server-process.js';
import type { PgbouncerServer } from '../../support/pgbouncer-server.js';
import type { BenchContext } from '../section.js';
import { runForAnswer, withServer } from '../servers.js';
import type { BenchDatabase } from '../support/database.js';
import { pooledEnvironment, startPooler } from '../support/pooler.js';
import { type Watched, watch } from './watch.js';

/** The connections of each pool: 50, and the two of the pool for administration. */
const SIZES = { checkout: 24, catalog: 18, reports: 8, admin: 2 } as const;
/** What the server may see of the gateway at most. */
export const MOST_BACKENDS: number = Object.values(SIZES).reduce((sum, size) => sum + size, 0);

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const SERVER = here('./server.js');
const WORKER = here('../../load/clients/worker.js');

/** How a run goes. */
export interface Way {
  readonly name: string;
  readonly pooled: boolean;
  /** Whether the database is restarted in the middle. */
  readonly restart: boolean;
}

/** What one run gave. */
export interface ClientsRun {
  readonly way: Way;
  readonly clients: ClientsResult;
  readonly watched: Watched;
  /** Orders that the database has from this run. */
  readonly orders: number;
  readonly restartMs: number;
}

/** Runs a crowd through a gateway of its own. */
export async function runWay(
  context: BenchContext,
  database: BenchDatabase,
  way: Way,
  plan: Omit<ClientsPlan, 'port'>,
): Promise<ClientsRun> {
  await database.reset();
  const pooler = way.pooled ? await startPooler(database.url, SIZES) : undefined;
  try {
    const env = { ...gatewayEnv(database, pooler), DATABASE_URL: database.url };
    return await withServer(startServer(SERVER, { env, signal: context.signal }), async (server) => {
      const measured = await measure(context, database, server, way, plan);
      return { way, ...measured, orders: await countOrders(database.url) };
    });
  } finally {
    await pooler?.close();
  }
}

async function measure(
  context: BenchContext,
  database: BenchDatabase,
  server: ServerProcess,
  { restart }: Way,
  plan: Omit<ClientsPlan, 'port'>,
): Promise<Pick<ClientsRun, 'clients' | 'watched' | 'restartMs'>> {
  const over = new AbortController();
  const watching = watch(database.url, server.pid, over.signal);
  let restarting: Promise<number> = Promise.resolve(0);
  const middleMs = plan.rampUpMs + plan.steadyMs / 2;
  const timer = restart ? setTimeout(() => (restarting = restartOf(database)), middleMs) : undefined;
  try {
    const text = JSON.stringify({ ...plan, port: server.port } satisfies ClientsPlan);
    const clients = await runForAnswer<ClientsResult>(context, WORKER, [text]);
    return { clients, restartMs: await restarting, watched: await end(over, watching) };
  } finally {
    clearTimeout(timer);
    await end(over, watching);
  }
}

function end(over: AbortController, watching: Promise<Watched>): Promise<Watched> {
  over.abort();
  return watching;
}

async function restartOf({ server }: BenchDatabase): Promise<number> {
  const beganAtMs = performance.now();
  await server.restart('fast');
  return performance.now() - beganAtMs;
}

function gatewayEnv(database: BenchDatabase, pooler: PgbouncerServer | undefined): Record<string, string> {
  const sizes = Object.entries(SIZES).map(([name, size]) => [`SLUICE_POOL_${name.toUpperCase()}_MAX`, String(size)]);
  return {
    ...Object.fromEntries(sizes),
    ...(pooler === undefined ? {} : pooledEnvironment(database.url, SIZES, pooler)),
  };
}

async function countOrders(connectionString: string): Promise<number> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const { rows } = await client.query<{ n: number }>('select count(*)::int as n from orders where id > 200000');
    return rows[0]?.n ?? 0;
  } finally {
    await client.end();
  }
}
