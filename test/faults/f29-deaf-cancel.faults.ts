import { protect } from 'sluice/express';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { ask } from '../integration/pools/pool-fixture.js';
import { type PostgresServer, startPostgres } from '../support/postgres.js';
import { type FaultApp, startFaultApp } from './fault-app.js';
import { describeFault, REPETITIONS } from './repetitions.js';
import { lasts, until } from './until.js';

// F29: the server is told to stop a statement and does not: the process that runs it stands still, as one does that
// waits for a disk which has gone. The seat is free soon, and the place of the connection only when the session is gone.

const MAX = 2;

let postgres: PostgresServer;
let app: FaultApp;
let stuck: number | undefined;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
});
afterAll(() => postgres.close());

beforeEach(async () => {
  app = await startFaultApp(
    {
      url: postgres.url,
      pools: { main: { max: MAX, minIdle: MAX } },
      routes: { slow: { pool: 'main', deadlineMs: 800 }, quick: { pool: 'main', deadlineMs: 5_000 } },
    },
    (express, gateway) => {
      express.get(
        '/slow',
        protect(gateway, 'slow', {}, async (req, res) => {
          await req.sluice.query("SELECT pg_sleep(30), 'stuck'");
          res.json({});
        }),
      );
      express.get(
        '/quick',
        protect(gateway, 'quick', {}, async (req, res) => {
          await req.sluice.query('SELECT pg_sleep(0.01)');
          res.json({});
        }),
      );
    },
  );
});

afterEach(async () => {
  thaw();
  await app.close();
});

const gauges = () => [...app.gateway.telemetry().pools()][0]?.gauges();

/** Sessions of the application that the server has, the stuck one included. */
async function sessions(): Promise<number> {
  const found = await ask(postgres.url, "SELECT pid FROM pg_stat_activity WHERE application_name = 'sluice-shop'");
  return found.length;
}

/** Lets the statement of a request get stuck, and returns its answer. */
async function getStuck(): Promise<Awaited<ReturnType<FaultApp['send']>>> {
  const answer = app.send('/slow');
  await until(async () => {
    const [row] = await ask<{ pid: number }>(
      postgres.url,
      "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE $1",
      ["%'stuck'"],
    );
    stuck = row?.pid;
    return stuck !== undefined;
  });
  if (stuck !== undefined) process.kill(stuck, 'SIGSTOP');
  return answer;
}

function thaw(): void {
  if (stuck !== undefined) process.kill(stuck, 'SIGCONT');
  stuck = undefined;
}

describeFault('F29: a cancel has no effect', () => {
  it('frees the seat after a bound, and the place when the session is gone', async () => {
    const { status, body, ms } = await getStuck();
    expect({ status, code: body.code, outcome: body.outcome }).toEqual({
      status: 504,
      code: 'deadline_expired',
      outcome: 'rolled_back',
    });
    expect(ms).toBeLessThan(1_500);
    const answeredMs = performance.now();
    await until(() => app.stats('slow').inFlight === 0);
    expect(performance.now() - answeredMs).toBeLessThan(1_500);
    await until(() => app.log.of('database_session_stuck').length === 1);
    // Both seats are asked for at once, so that a second connection would be opened if there were a place for it.
    const most: number[] = [];
    const untilMs = performance.now() + 700;
    while (performance.now() < untilMs) {
      const answers = await Promise.all([app.send('/quick'), app.send('/quick'), app.send('/quick')]);
      expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200]);
      most.push(await sessions());
    }
    expect(Math.max(...most)).toBe(MAX);
    expect(gauges()).toMatchObject({ total: MAX, opened: MAX });
    thaw();
    await until(() => gauges()?.opened === MAX + 1 && gauges()?.total === MAX);
    // The statement was stopped at last, and the session is gone: this is another one.
    expect(await sessions()).toBe(MAX);
    await app.expectAtRest();
  });

  it('holds nobody up who closes', async () => {
    await getStuck();
    await until(() => app.log.of('database_session_stuck').length === 1);
    const startedMs = performance.now();
    await app.gateway.drain({ server: app.server, timeoutMs: 100 });
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });

  // Ten seconds for one figure: in the nightly form.
  if (REPETITIONS === 1) return;
  it('keeps the place for ten seconds at most', async () => {
    await getStuck();
    await until(() => app.log.of('database_session_stuck').length === 1);
    await lasts(8_000);
    expect(gauges()?.opened).toBe(MAX);
    await until(() => gauges()?.opened === MAX + 1);
    thaw();
    await until(async () => (await sessions()) === MAX);
    await app.expectAtRest();
  });
});
