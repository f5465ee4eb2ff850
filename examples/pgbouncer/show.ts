import { setTimeout as delay } from 'node:timers/promises';
import { createGateway } from 'sluice';
import type { PgbouncerOptions, PgbouncerServer } from '../support/pgbouncer-server.js';
import type { PostgresServer } from '../support/postgres-server.js';

/** The connections of the pool, and of the pooler for it. */
const SIZE = 4;
const READS = 40;

/** What came of it. */
export interface Shown {
  /** Reads that were answered, of those that came at once. */
  readonly answered: number;
  /** How long the administrator waited meanwhile, in milliseconds. */
  readonly adminMs: number;
  /** Clients that the pooler knew at that time: nobody of the administrator's. */
  readonly clients: number;
}

/**
 * A pool through PgBouncer in transaction mode, and a pool for administrators that bypasses it: with the first one full,
 * the second one gets in at once.
 */
export async function show(
  postgres: PostgresServer,
  startPooler: (options: PgbouncerOptions) => Promise<PgbouncerServer>,
): Promise<Shown> {
  const { password } = new URL(postgres.url);
  const pooler = await startPooler({
    // The lines that "sluice pgbouncer --config …" writes for these pools.
    databases: [
      `shop = host=127.0.0.1 port=${postgres.port} dbname=postgres pool_size=${SIZE} ` +
        "connect_query='SET client_connection_check_interval = 500'",
    ],
    users: { postgres: password },
    settings: { query_wait_timeout: 10, server_login_retry: 0.2 },
  });
  const gateway = await createGateway({
    readinessDelayMs: 0,
    pools: {
      shop: {
        url: `postgres://postgres:${password}@127.0.0.1:${pooler.port}/shop`,
        max: SIZE,
        minIdle: SIZE,
        poolerAdminUrl: pooler.adminUrl,
      },
      // Straight to the server, and its connections are open from the start.
      admin: { url: postgres.url, max: 1, admin: true },
    },
    routes: {
      read: { pool: 'shop', deadlineMs: 5_000 },
      look: { pool: 'admin', priority: 'high', deadlineMs: 1_000 },
    },
  });
  try {
    // The pool opens its idle connections one by one.
    while ((gateway.snapshot().pools[0]?.connections.total ?? SIZE) < SIZE) await delay(5);
    const reads = Array.from({ length: READS }, () =>
      gateway
        .run('read', (handle) => handle.query('SELECT pg_sleep(0.05)'))
        .then(
          () => 1,
          () => 0,
        ),
    );
    const from = performance.now();
    await gateway.run('look', (handle) => handle.query('SELECT count(*) FROM pg_stat_activity'));
    const adminMs = performance.now() - from;
    const clients = (await pooler.admin('SHOW CLIENTS')).filter(({ database }) => database === 'shop').length;
    const answered = (await Promise.all(reads)).reduce((sum: number, each) => sum + each, 0);
    return { answered, adminMs, clients };
  } finally {
    await gateway.drain({ timeoutMs: 1_000 });
    await pooler.close();
  }
}
