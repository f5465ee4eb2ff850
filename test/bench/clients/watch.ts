import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

/** How often a run is looked at, in milliseconds. */
export const SAMPLE_EVERY_MS = 50;

/** What was seen of a run from outside. */
export interface Watched {
  readonly samples: number;
  /** Times at which the server did not answer, as while it restarts. */
  readonly silent: number;
  /** Sessions of clients at the server, without that of the watcher. */
  readonly mostBackends: number;
  /** Memory of the gateway's process, in bytes: before any client came, and at most. */
  readonly restBytes: number;
  readonly mostBytes: number;
}

const COUNT = `select count(*)::int as n from pg_stat_activity
  where backend_type = 'client backend' and pid <> pg_backend_pid()`;

/** Counts the sessions at a server and the memory of a process until `over` is aborted. */
export async function watch(databaseUrl: string, pid: number, over: AbortSignal): Promise<Watched> {
  const restBytes = await residentBytes(pid);
  const seen = { samples: 0, silent: 0, mostBackends: 0, restBytes, mostBytes: restBytes };
  let client: pg.Client | undefined;
  for (let dueMs = performance.now(); !over.aborted; dueMs = Math.max(performance.now(), dueMs + SAMPLE_EVERY_MS)) {
    await delay(dueMs - performance.now());
    client = client ?? (await open(databaseUrl));
    const backends = await client?.query<{ n: number }>(COUNT).then(
      ({ rows }) => rows[0]?.n,
      () => undefined,
    );
    if (backends === undefined) {
      seen.silent += 1;
      void client?.end().catch(() => {});
      client = undefined;
    } else {
      seen.samples += 1;
      seen.mostBackends = Math.max(seen.mostBackends, backends);
    }
    seen.mostBytes = Math.max(seen.mostBytes, await residentBytes(pid));
  }
  await client?.end().catch(() => {});
  return seen;
}

async function open(connectionString: string): Promise<pg.Client | undefined> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 1_000 });
  client.on('error', () => {});
  return client.connect().then(
    () => client,
    () => undefined,
  );
}

/** 0 where the system does not tell, or the process is gone. */
async function residentBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmRSS:\s*(\d+) kB/.exec(text)?.[1] ?? 0) * 1_024;
}
