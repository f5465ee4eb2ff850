/** Pools before a database that cannot be reached. */
export const DOWN_CONTENDERS = ['sluice', 'pg-pool', 'pg-pool-keepalive', 'pg-pool-bounded', 'postgres-js'] as const;

export type DownContender = (typeof DOWN_CONTENDERS)[number];

/** Until a connection, and where a driver can say so an answer, is given up. */
export const PATIENCE_MS = 2_000;

/** How they are set. */
export const DOWN_TITLES: Readonly<Record<DownContender, string>> = {
  sluice: 'Sluice, deadlineMs 2000',
  'pg-pool': 'pg-pool, connectionTimeoutMillis 2000',
  'pg-pool-keepalive': 'pg-pool, the same and keepAlive after 1 s',
  'pg-pool-bounded': 'pg-pool, the same and query_timeout 2000',
  'postgres-js': 'postgres.js, connect_timeout 2',
};

/** One call; instants are those of the wall clock, in milliseconds. */
export interface DownCall {
  readonly sentAtMs: number;
  readonly tookMs: number;
  readonly ok: boolean;
}

/** All calls of a run: sent by its process as the only message. */
export type DownRun = readonly DownCall[];
