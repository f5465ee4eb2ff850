import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { ask } from '../integration/pools/pool-fixture.js';
import { type PostgresServer, startPostgres } from '../support/postgres.js';
import { ClusterProgram } from './cluster-program.js';
import { describeFault } from './repetitions.js';
import { until } from './until.js';

const WORKERS = 2;
const times = (text: string, part: string): number => text.split(part).length - 1;

describeFault('F58: a cluster ends or starts while something is wrong with its workers', () => {
  let postgres: PostgresServer;
  let program: ClusterProgram | undefined;

  beforeAll(async () => {
    postgres = await startPostgres({ settings: { fsync: 'off' } });
  });
  afterEach(() => program?.kill('SIGKILL'));
  afterAll(async () => {
    await postgres.close();
  });

  const start = async (env: Readonly<Record<string, string>> = {}): Promise<ClusterProgram> => {
    program = await ClusterProgram.start({ DATABASE_URL: postgres.url, WORKERS: String(WORKERS), ...env });
    return program;
  };
  const connections = async (most: number): Promise<void> => {
    await ask(postgres.url, `ALTER SYSTEM SET max_connections = ${most}`);
    await postgres.restart();
  };

  it('ends in order while a worker is starting', async () => {
    const cluster = await start();
    await cluster.listens();
    const [victim = 0] = await cluster.workers(WORKERS);
    process.kill(victim, 'SIGKILL');
    // It is forked, and far from its first connection.
    await until(() => cluster.output.includes(`takes the place of ${victim}`));
    cluster.kill('SIGTERM');
    await until(() => cluster.ended !== undefined);
    expect(cluster.ended).toBe(0);
    expect(cluster.output).not.toMatch(/is killed|cannot start/);
  });

  it('ends although a worker hears nothing', async () => {
    const cluster = await start({ SLUICE_DRAIN_TIMEOUT_MS: '100' });
    await cluster.listens();
    const [deaf = 0] = await cluster.workers(WORKERS);
    process.kill(deaf, 'SIGSTOP');
    cluster.kill('SIGTERM');
    await until(() => cluster.ended !== undefined);
    expect(cluster.ended).toBe(0);
    expect(cluster.output).toContain(`worker ${deaf} does not end, and is killed`);
    expect(times(cluster.output, 'is killed')).toBe(1);
  });

  it('says why, once, where no worker can start, and fails', async () => {
    await connections(40);
    const cluster = await start();
    await until(() => cluster.ended !== undefined);
    expect(cluster.ended).toBe(1);
    expect(cluster.output).toMatch(/^worker \d+ cannot start: quick 24 \+ slow 8 = 32 connections .*\nno worker could/);
    expect(cluster.output.trim().split('\n')).toHaveLength(2);
  });

  it.each(['-1', '0', '2.5', 'two', '257'])(
    'does not start for %s workers, and says what it takes',
    async (workers) => {
      const cluster = await start({ WORKERS: workers });
      await until(() => cluster.ended !== undefined);
      expect(cluster.ended).toBe(1);
      expect(cluster.output).toBe(`WORKERS="${workers}" must be a whole number from 1 to 256\n`);
    },
  );

  it('serves with those that have started, and tries the others again', async () => {
    await connections(100);
    const cluster = await start();
    await cluster.listens();
    const [victim = 0] = await cluster.workers(WORKERS);
    await connections(40);
    process.kill(victim, 'SIGKILL');
    await until(() => cluster.output.includes('cannot start: quick 24 + slow 8'));
    expect((await cluster.get('/healthz')).status).toBe(200);
    expect(cluster.ended).toBeUndefined();
    await connections(100);
    await until(async () => (await cluster.workers(WORKERS)).size === WORKERS, 60_000);
    expect(times(cluster.output, 'cannot start')).toBe(1);
    expect(cluster.output).not.toMatch(/^ {4}at /m);
    cluster.kill('SIGTERM');
    await until(() => cluster.ended !== undefined);
    expect(cluster.ended).toBe(0);
    // A busy machine may make it fail, and wait, a few times more.
  }, 120_000);
});
