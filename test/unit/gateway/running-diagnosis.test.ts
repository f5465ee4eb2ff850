import { expect, test } from 'vitest';
import type { Diagnosis } from '../../../src/core/diagnosis.js';
import { RunningDiagnosis } from '../../../src/gateway/running-diagnosis.js';
import { RouteStats } from '../../../src/telemetry/route-stats.js';
import { snapshot } from '../../../src/telemetry/snapshot.js';
import type { TelemetrySource } from '../../../src/telemetry/source.js';
import { exampleSource } from '../telemetry/example-source.js';

/** A gateway with two routes on one pool, looked at every five seconds. */
function world() {
  const diagnosis = new RunningDiagnosis();
  const { source } = exampleSource();
  const [buy, find] = [new RouteStats(), new RouteStats()];
  const server = { asked: 0, active: 10, lock: 0, answers: true };
  const pools = Array.from(source.pools(), (pool) => ({
    ...pool,
    server: () => {
      server.asked += 1;
      return server.answers
        ? { active: server.active, idleInTransaction: 0, waiting: { lock: server.lock } }
        : undefined;
    },
  }));
  const live: TelemetrySource = {
    ...source,
    pools: () => pools,
    routes: () => [
      { name: 'buy', pool: 'checkout', priority: 'critical', stats: buy },
      { name: 'find', pool: 'checkout', priority: 'low', stats: find },
    ],
  };
  let nowMs = 0;
  const look = (): Diagnosis | undefined => {
    nowMs += 5_000;
    return diagnosis.of(nowMs, snapshot(live), live).find(({ pool }) => pool === 'checkout');
  };
  const serve = (stats: RouteStats, heldMs: number, waitMs: number): void => {
    for (let request = 0; request < 100; request += 1) {
      stats.arrive();
      stats.admit(waitMs);
      stats.end('succeeded', heldMs);
    }
  };
  /** So many looks, with this between them; what the last one said. */
  const during = (looks: number, buyMs: number, findMs: number, waitMs: number): Diagnosis | undefined => {
    let last: Diagnosis | undefined;
    for (let count = 0; count < looks; count += 1) {
      serve(buy, buyMs, waitMs);
      serve(find, findMs, waitMs);
      last = look();
    }
    return last;
  };
  return { look, during, server };
}

test('says nothing at first, and that nothing is the matter while all is calm, without asking the server', () => {
  const { look, during, server } = world();
  expect(look()).toBeUndefined();
  expect(during(6, 20, 30, 0)?.fault).toBe('none');
  expect(server.asked).toBe(0);
});

test('names the query that became slow, and goes on for as long as seats are scarce', () => {
  const { during, server } = world();
  during(10, 20, 30, 0);
  expect(during(5, 21, 400, 60)).toMatchObject({ fault: 'slow_query', route: 'find' });
  expect(server.asked).toBeGreaterThan(0);
  // An hour of it is not the normal state.
  expect(during(720, 21, 400, 60)).toMatchObject({ fault: 'slow_query', route: 'find' });
  expect(during(6, 20, 30, 0)?.fault).toBe('none');
});

test('takes work that is slower, and makes nobody wait, for normal in the end', () => {
  const { during } = world();
  during(10, 20, 30, 0);
  expect(during(5, 20, 100, 0)?.fault).toBe('slow_query');
  expect(during(120, 20, 100, 0)?.fault).toBe('none');
});

test('does not take a server that is slow for minutes for one that is as quick as ever', () => {
  const { during } = world();
  during(10, 20, 30, 0);
  // Nobody waits for a seat meanwhile.
  for (let minute = 0; minute < 4; minute += 1) expect(during(12, 70, 105, 0)?.fault).toBe('database_saturated');
  expect(during(6, 20, 30, 0)?.fault).toBe('none');
});

test('tells pool, server and locks apart', () => {
  const { during, server } = world();
  during(10, 20, 30, 0);
  expect(during(5, 20, 31, 60)?.fault).toBe('pool_too_small');
  expect(during(5, 90, 120, 300)?.fault).toBe('database_saturated');
  server.lock = 8;
  expect(during(5, 90, 120, 300)?.fault).toBe('lock_contention');
});

test('is sure of nothing that may be a lock while the server cannot be asked', () => {
  const { during, server } = world();
  during(10, 20, 30, 0);
  server.answers = false;
  expect(during(5, 21, 400, 60)).toMatchObject({ fault: 'unclear', detail: expect.stringContaining('"admin: true"') });
  expect(during(5, 90, 120, 300)?.fault).toBe('unclear');
  server.answers = true;
  expect(during(1, 90, 120, 300)?.fault).toBe('database_saturated');
});
