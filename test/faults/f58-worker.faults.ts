import { afterAll, beforeAll, expect, it } from 'vitest';
import { SessionCount } from '../integration/fleet/session-count.js';
import { ask } from '../integration/pools/pool-fixture.js';
import { type PostgresServer, startPostgres } from '../support/postgres.js';
import { ClusterProgram, type Served } from './cluster-program.js';
import { describeFault } from './repetitions.js';
import { until } from './until.js';

const WORKERS = 3;
/** Far longer than any request takes. */
const PATIENCE_MS = 10_000;
/** 60 less 3 for superusers and 9 in reserve; a worker alone wants 32. */
const ROOM = 48;
const ASLEEP = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(%' AND state = 'active'";

describeFault('F58: a worker of a cluster is killed', () => {
  let postgres: PostgresServer;
  let cluster: ClusterProgram;
  let sessions: SessionCount;

  beforeAll(async () => {
    postgres = await startPostgres({ settings: { fsync: 'off', max_connections: '60' } });
    sessions = await SessionCount.start(postgres.url, 'sluice-cluster');
    cluster = await ClusterProgram.start({ DATABASE_URL: postgres.url, WORKERS: String(WORKERS) });
    await cluster.listens();
  });
  afterAll(async () => {
    cluster.kill('SIGKILL');
    await sessions.stop();
    await postgres.close();
  });

  interface Lost {
    readonly sentAtMs: number;
    /** Nobody said anything, not even that there is an end. */
    readonly hung: boolean;
  }

  /** The connections that each worker may have, by its process. */
  const shares = async (): Promise<Map<number, number>> => {
    const found = new Map<number, number>();
    for (let n = 0; n < 4 * WORKERS; n += 1) {
      const { worker, text } = await cluster.get('/metrics');
      const sizes = [...text.matchAll(/^sluice_pool_connections_max\{.*\} (\d+)$/gm)].map(([, size]) => Number(size));
      found.set(
        worker,
        sizes.reduce((sum, size) => sum + size, 0),
      );
    }
    return found;
  };
  const divided = async (): Promise<boolean> => {
    const each = [...(await shares()).values()];
    return each.length === WORKERS && each.every((size) => size === ROOM / WORKERS);
  };

  it('the others serve, its statements end within a second, and another one gets its connections', async () => {
    await until(divided, 10_000);
    let working = true;
    const served: Served[] = [];
    const lost: Lost[] = [];
    const load = async (): Promise<void> => {
      while (working) {
        const sentAtMs = Date.now();
        await cluster.get('/products', PATIENCE_MS).then(
          (one) => served.push(one),
          ({ name }: Error) => lost.push({ sentAtMs, hung: name === 'AbortError' || name === 'TimeoutError' }),
        );
      }
    };
    const reports: Promise<unknown>[] = [];
    // One after the other, so that they go round: two for each.
    for (let n = 1; n <= 2 * WORKERS; n += 1) {
      reports.push(cluster.get('/report?seconds=60').catch(() => undefined));
      await until(async () => (await ask(postgres.url, ASLEEP)).length === n);
    }
    const loads = Array.from({ length: 12 }, load);
    await until(() => served.length > 100);
    const victim = served.at(-1)?.worker ?? 0;
    const before = new Set(served.map(({ worker }) => worker));
    process.kill(victim, 'SIGKILL');
    const killedAtMs = Date.now();
    await until(async () => (await ask(postgres.url, ASLEEP)).length === 2 * (WORKERS - 1));
    const ghostsMs = Date.now() - killedAtMs;
    await until(async () => (await shares()).size === WORKERS && (await divided()), 20_000);
    working = false;
    await Promise.all(loads);
    expect(ghostsMs).toBeLessThan(1_000);
    expect(cluster.output).toContain(`worker ${victim} is gone`);
    expect([...(await shares()).keys()]).not.toContain(victim);
    // What was with it when it died, and nothing else.
    expect(lost.filter(({ sentAtMs }) => sentAtMs > killedAtMs + 500)).toEqual([]);
    // Not even the connection that was being handed to it is left without an end.
    expect(lost.filter(({ hung }) => hung)).toEqual([]);
    expect(lost.length).toBeLessThanOrEqual(12);
    // The new one may refuse some while it has but its first connections.
    expect(served.filter(({ status, worker }) => status !== 200 && before.has(worker))).toEqual([]);
    expect(sessions.most).toBeLessThanOrEqual(ROOM);
    expect(cluster.output).not.toMatch(/53300|exhausted|too many/);
    await ask(postgres.url, `SELECT pg_cancel_backend(pid) FROM (${ASLEEP}) AS asleep`);
    await Promise.all(reports);
    cluster.kill('SIGTERM');
    await until(() => cluster.ended !== undefined, 30_000);
    expect(cluster.ended).toBe(0);
    await until(() => sessions.present === 0);
  });
});
