import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../integration/pools/pool-fixture.js';
import { checkOut, ShopProcess } from '../integration/shop/shop-process.js';
import { findProgram } from '../support/programs.js';
import { failures } from './calls.js';
import { type FleetBench, SESSIONS_EACH, SHOP_FILE, soon, startFleetBench, watchSessions } from './fleet-bench.js';

const SIZE = 3;

describe('DEP-4: three shops behind a balancer', () => {
  let bench: FleetBench;
  beforeAll(async () => {
    bench = await startFleetBench(SIZE);
  });
  afterAll(() => bench.close());

  it('are restarted in turn under load: no request fails, and sessions stay within the budget', async () => {
    const { fleet, postgres, loadWhile } = bench;
    const before = fleet.instances.map(({ pid }) => pid);
    const watch = await watchSessions(postgres.url);
    const calls = await loadWhile(() => fleet.restart());
    await watch.stop();
    expect(failures(calls)).toEqual({});
    expect(calls.length).toBeGreaterThan(200);
    expect(fleet.instances.filter(({ pid }) => pid === undefined || before.includes(pid))).toEqual([]);
    // They were all open, so one of a process that had been ended would have been one too many.
    expect(watch.most).toBe(SIZE * SESSIONS_EACH);
    expect(watch.looks).toBeGreaterThan(50);
    expect(bench.lines.filter((line) => /sluice:|rror/.test(line))).toEqual([]);
  });

  it('DEP-5 live through load, a database that restarts, and an end: each request is answered, and they end with 0', async () => {
    const { fleet, postgres, loadWhile } = bench;
    const [first] = fleet.instances;
    let faultAtMs = 0;
    let overAtMs = 0;
    const calls = await loadWhile(async () => {
      await untilOrdersGrow(postgres.url);
      faultAtMs = Date.now();
      await postgres.restart('fast');
      for (const { name } of fleet.instances) await fleet.untilReady(name);
      overAtMs = Date.now();
      expect(await first?.end()).toBe(0);
      await first?.start();
      await fleet.untilReady(first?.name ?? '');
      await untilOrdersGrow(postgres.url);
    });
    const served = calls.filter(({ status }) => status < 300 && status > 0);
    const failed = calls.filter((call) => !served.includes(call));
    // What was in flight when the database went away, and what came while it was away; nothing after.
    expect(failed.filter(({ endedAtMs }) => endedAtMs < faultAtMs)).toEqual([]);
    expect(failed.filter(({ sentAtMs }) => sentAtMs > overAtMs + 100)).toEqual([]);
    expect(failed.filter(({ status }) => status !== 503 && status !== 504)).toEqual([]);
    expect(served.filter(({ sentAtMs }) => sentAtMs > overAtMs).length).toBeGreaterThan(100);
    expect(await fleet.close()).toEqual([0, 0, 0]);
    expect(await ask(postgres.url, "select from pg_stat_activity where application_name = 'sluice-shop'")).toEqual([]);
  });
});

describe('the example of a deployment', () => {
  it('runs with one command, and ends with 0', async () => {
    const main = SHOP_FILE.replace('shop/main.js', 'deploy/main.js');
    const example = new ShopProcess({ env: { HAPROXY: findProgram('haproxy') }, command: [process.execPath, main] });
    try {
      const [, url = ''] = await example.says(/^the fleet is listening on (http:\S+);/m);
      expect((await checkOut(url)).status).toBe(201);
      example.kill('SIGTERM');
      expect(await example.ended).toBe(0);
    } finally {
      // Asked to end, for it has processes of its own.
      example.kill('SIGTERM');
      await example.ended;
    }
  });
});

/** Checkouts are being placed. */
async function untilOrdersGrow(databaseUrl: string): Promise<void> {
  const last = async (): Promise<number> => {
    const [row] = await ask(databaseUrl, 'select max(id) as last from orders');
    return Number(row?.last);
  };
  const before = await last();
  await soon(async () => (await last()) > before + 50);
}
