import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from '../integration/pools/pool-fixture.js';
import { type FleetBench, SESSIONS_EACH, soon, startFleetBench, watchSessions } from './fleet-bench.js';
import { describeFault } from './repetitions.js';

const ASLEEP = "select pid from pg_stat_activity where wait_event = 'PgSleep'";
const SESSIONS = "select pid from pg_stat_activity where application_name = 'sluice-shop'";

describeFault('F58: one of two processes is killed', () => {
  let bench: FleetBench;
  beforeAll(async () => {
    bench = await startFleetBench(2, { SHOP_REPORT_WORK_MS: '60000' });
  });
  afterAll(() => bench.close());

  it('the other serves on, and the statements of the dead one end on the server within a second', async () => {
    const { fleet, postgres, loadWhile } = bench;
    const [victim] = fleet.instances;
    if (victim?.pid === undefined) throw new Error('there is nobody to kill');
    const { pid, port, name } = victim;
    const watch = await watchSessions(postgres.url);
    let killedAtMs = 0;
    let ghostsMs = 0;
    const calls = await loadWhile(async () => {
      const report = fetch(`http://127.0.0.1:${port}/reports/sales`).catch(() => undefined);
      await soon(async () => (await ask(postgres.url, ASLEEP)).length === 1);
      killedAtMs = Date.now();
      process.kill(pid, 'SIGKILL');
      await soon(async () => (await ask(postgres.url, ASLEEP)).length === 0);
      await soon(async () => (await ask(postgres.url, SESSIONS)).length === SESSIONS_EACH);
      ghostsMs = Date.now() - killedAtMs;
      await report;
      await victim.start();
      await fleet.untilReady(name);
    });
    await watch.stop();
    expect(ghostsMs).toBeLessThan(1_000);
    const failed = calls.filter(({ status }) => status < 200 || status >= 300);
    // Only what was with it when it died; the balancer says so, for nobody else can.
    expect(failed.filter(({ sentAtMs, status }) => sentAtMs > killedAtMs + 100 || status !== 502)).toEqual([]);
    expect(failed.length).toBeLessThan(20);
    expect(calls.length).toBeGreaterThan(100);
    await soon(async () => (await ask(postgres.url, SESSIONS)).length === 2 * SESSIONS_EACH);
    expect(watch.most).toBeLessThanOrEqual(2 * SESSIONS_EACH);
  });
});
