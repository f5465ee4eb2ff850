import { protect } from 'sluice/express';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { ask } from '../integration/pools/pool-fixture.js';
import { type PostgresServer, startPostgres } from '../support/postgres.js';
import { type Answer, type FaultApp, startFaultApp } from './fault-app.js';
import { describeFault } from './repetitions.js';

// F18: transactions that get into each other's way: two that wait for each other, and two that cannot both be as if they
// had been alone.

let postgres: PostgresServer;
let app: FaultApp;
/** Resolves when both parties of a conflict have come so far. */
let meeting: { arrive(): Promise<void> };

/** Later rounds of those that repeat do not wait again: the first meeting opened the door for good. */
function meetingOfTwo(): typeof meeting {
  let open: () => void = () => undefined;
  const both = new Promise<void>((resolve) => {
    open = resolve;
  });
  let arrived = 0;
  return {
    arrive: () => {
      arrived += 1;
      if (arrived === 2) open();
      return both;
    },
  };
}

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off', deadlock_timeout: '100ms' } });
  await ask(postgres.url, 'CREATE TABLE accounts (name text PRIMARY KEY, balance integer NOT NULL)');
  app = await startFaultApp(
    {
      url: postgres.url,
      pools: { main: { max: 4, minIdle: 4 } },
      routes: { conflict: { pool: 'main', deadlineMs: 5_000 } },
    },
    (express, gateway) => {
      // Moves an amount from one account to the other, and touches them in that order.
      express.post(
        '/move/:from/:to',
        protect(gateway, 'conflict', {}, async (req, res) => {
          const { from, to } = req.params;
          const work = req.sluice.transaction(
            async (client) => {
              await client.query('UPDATE accounts SET balance = balance - 1 WHERE name = $1', [from]);
              await meeting.arrive();
              await client.query('UPDATE accounts SET balance = balance + 1 WHERE name = $1', [to]);
            },
            { retry: req.query.retry === 'yes' },
          );
          await work;
          res.json({ moved: 1 });
        }),
      );
      // Each may take from its account as long as both together stay above 0.
      express.post(
        '/take/:from',
        protect(gateway, 'conflict', {}, async (req, res) => {
          const taken = await req.sluice.transaction(
            async (client) => {
              const { rows } = await client.query<{ sum: number }>('SELECT sum(balance)::int AS sum FROM accounts');
              await meeting.arrive();
              if ((rows[0]?.sum ?? 0) < 100) return 0;
              await client.query('UPDATE accounts SET balance = balance - 100 WHERE name = $1', [req.params.from]);
              return 100;
            },
            { isolation: 'serializable', retry: req.query.retry === 'yes' },
          );
          res.json({ taken });
        }),
      );
    },
  );
});
afterAll(async () => {
  await app.close();
  await postgres.close();
});
beforeEach(async () => {
  meeting = meetingOfTwo();
  await ask(postgres.url, "TRUNCATE accounts; INSERT INTO accounts VALUES ('a', 75), ('b', 75)");
});

async function both(...paths: readonly [string, string]): Promise<Answer[]> {
  const answers = await Promise.all(paths.map((path) => app.send(path, { body: {} })));
  return answers.sort((one, other) => one.status - other.status);
}

function expectConflict(victim: Answer | undefined): void {
  expect(victim).toMatchObject({
    status: 503,
    body: { code: 'database_busy', outcome: 'rolled_back', detail: expect.stringContaining('A retry is safe') },
  });
  expect(victim?.body.retry_after_ms).toBeGreaterThan(0);
}

const balances = async (): Promise<unknown> => {
  const rows = await ask<{ name: string; balance: number }>(postgres.url, 'SELECT name, balance FROM accounts');
  return Object.fromEntries(rows.map(({ name, balance }) => [name, balance]));
};

const pool = () => [...app.gateway.telemetry().pools()][0];

describeFault('F18: two transactions in conflict', () => {
  it('wait for each other: one is told so, the other goes on, and nobody takes the database for ill', async () => {
    const [served, victim] = await both('/move/a/b', '/move/b/a');
    expect(served).toMatchObject({ status: 200, body: { moved: 1 } });
    expectConflict(victim);
    // Half a second at most for what takes the server a tenth to find out.
    expect(victim?.ms).toBeLessThan(1_000);
    expect(Object.values((await balances()) as object).sort()).toEqual([74, 76]);
    expect(pool()?.breaker).toBe('closed');
    await app.expectAtRest();
  });

  it('cannot both be as if alone: one is told so, and what it did is undone', async () => {
    const [served, victim] = await both('/take/a', '/take/b');
    expect(served).toMatchObject({ status: 200, body: { taken: 100 } });
    expectConflict(victim);
    expect(Object.values((await balances()) as object).sort()).toEqual([-25, 75]);
    await app.expectAtRest();
  });

  it.each([
    { what: 'wait for each other', paths: ['/move/a/b?retry=yes', '/move/b/a?retry=yes'] as const },
    { what: 'cannot both be as if alone', paths: ['/take/a?retry=yes', '/take/b?retry=yes'] as const },
  ])('$what, and may be repeated: both are served', async ({ paths }) => {
    const answers = await both(paths[0], paths[1]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    const sum = Object.values((await balances()) as Record<string, number>).reduce((all, each) => all + each, 0);
    expect(sum).toBe(paths[0].startsWith('/move') ? 150 : 50);
    await app.expectAtRest();
  });
});
