import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failures } from './calls.js';
import { type FleetBench, SESSIONS_EACH, startFleetBench, watchSessions } from './fleet-bench.js';

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
    expect(calls.length).toBeGreaterThan(500);
    expect(fleet.instances.filter(({ pid }) => pid === undefined || before.includes(pid))).toEqual([]);
    // They were all open, so one of a process that had been ended would have been one too many.
    expect(watch.most).toBe(SIZE * SESSIONS_EACH);
    expect(watch.looks).toBeGreaterThan(50);
    expect(bench.lines.filter((line) => /sluice:|rror/.test(line))).toEqual([]);
  });
});
