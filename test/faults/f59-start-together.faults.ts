import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Instance } from '../../examples/deploy/instance.js';
import { ask } from '../integration/pools/pool-fixture.js';
import type { PostgresServer } from '../support/postgres.js';
import { postgresFor, SESSIONS_EACH, SHOP_ENV, SHOP_FILE, soon, watchSessions } from './fleet-bench.js';
import { describeFault } from './repetitions.js';

const SIZE = 8;

describeFault('F59: eight processes start at once', () => {
  let postgres: PostgresServer;
  let instances: Instance[] = [];
  const lines: string[] = [];
  beforeAll(async () => {
    postgres = await postgresFor(SIZE);
    instances = Array.from({ length: SIZE }, (_, n) => instance(n, SIZE));
  });
  afterEach(() => Promise.all(instances.map((one) => one.end())));
  afterAll(() => postgres.close());

  const instance = (n: number, share: number): Instance =>
    new Instance({
      name: `shop-${n}`,
      port: 0,
      shopFile: SHOP_FILE,
      env: { ...SHOP_ENV, DATABASE_URL: postgres.url, SLUICE_INSTANCES: String(share) },
      log: (line) => lines.push(line),
    });

  it('each gets its share of the connections, and no connect is refused', async () => {
    const watch = await watchSessions(postgres.url);
    await Promise.all(instances.map((one) => one.start()));
    const sessions = async (): Promise<number> =>
      (await ask(postgres.url, "select from pg_stat_activity where application_name = 'sluice-shop'")).length;
    await soon(async () => (await sessions()) === SIZE * SESSIONS_EACH);
    for (const url of urls()) expect(await connectFailures(url)).toBe(0);
    await watch.stop();
    expect(watch.most).toBe(SIZE * SESSIONS_EACH);
    expect(lines.filter((line) => /53300|too many|exhausted|sluice:/i.test(line))).toEqual([]);
  });

  it('one that claims more than its share does not start', async () => {
    const greedy = instance(SIZE, SIZE + 3);
    await expect(greedy.start()).rejects.toThrow(/x 11 instances = 99/);
  });

  const urls = (): string[] => lines.flatMap((line) => /listening on (http:\S+)/.exec(line)?.[1] ?? []);
});

/** Attempts of the pools of one process to connect that failed. */
async function connectFailures(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const counts = [...text.matchAll(/^sluice_pool_connect_failures_total\{.*\} (\d+)$/gm)];
  expect(counts).toHaveLength(4);
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}
