import type { Request, Response } from 'express';
import type { SluiceConnection } from 'sluice';
import { protect } from 'sluice/express';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { latch } from '../integration/http/harness.js';
import { ask } from '../integration/pools/pool-fixture.js';
import { type PostgresServer, startPostgres } from '../support/postgres.js';
import { type FaultApp, startFaultApp } from './fault-app.js';
import { NOISE } from './fault-shop.js';
import { MachineNoise } from './machine-noise.js';
import { describeFault } from './repetitions.js';
import { until } from './until.js';

// F52 to F54: handlers that do not do their part, on a pool that others use at the same time.

type Act = (req: Request, res: Response) => unknown;

const SEATS = 4;
const DEADLINE_MS = 300;
/** Each is told of once, so that whoever wants to see that takes one of its own. */
const BAD = ['bad0', 'bad1', 'bad2', 'bad3'];

let postgres: PostgresServer;
let app: FaultApp;
let act: Act;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
  await ask(postgres.url, 'CREATE TABLE kept (id integer)');
});
afterAll(() => postgres.close());

const start = async (): Promise<void> => {
  app = await startFaultApp(
    {
      url: postgres.url,
      // Nothing but what is tested here may keep anybody from a seat.
      pools: { main: { max: SEATS, minIdle: SEATS, headroom: 0, breaker: false, feasibility: false, eviction: false } },
      routes: {
        ...Object.fromEntries(['bad', ...BAD].map((route) => [route, { pool: 'main', deadlineMs: DEADLINE_MS }])),
        good: { pool: 'main', priority: 'critical', deadlineMs: 5_000, maxQueued: 1_000 },
      },
    },
    (express, gateway) => {
      for (const route of ['bad', ...BAD]) {
        express.get(
          `/${route}`,
          protect(gateway, route, {}, (req, res) => act(req, res)),
        );
      }
      express.get(
        '/good',
        protect(gateway, 'good', {}, async (req, res) => {
          res.json((await req.sluice.query('SELECT $1::text AS nonce', [req.query.nonce])).rows[0]);
        }),
      );
    },
  );
};

/** Others on the same pool, each of which must get its own answer, while something bad happens. */
async function besideOthers(bad: () => Promise<void>): Promise<void> {
  let over = false;
  let served = 0;
  const other = async (name: number): Promise<void> => {
    for (let turn = 0; !over || turn < 20; turn += 1) {
      const nonce = `${name}-${turn}`;
      expect(await app.send(`/good?nonce=${nonce}`)).toMatchObject({ status: 200, body: { nonce } });
      served += 1;
    }
  };
  const others = Promise.all([1, 2, 3].map(other));
  try {
    await bad();
  } finally {
    over = true;
  }
  await others;
  expect(served).toBeGreaterThanOrEqual(60);
}

/** Many of them, so that a seat that were lost each time would stop the pool. */
const many = (route = 'bad'): Promise<Awaited<ReturnType<FaultApp['send']>>[]> =>
  Promise.all(Array.from({ length: 3 * SEATS }, () => app.send(`/${route}`)));

async function expectNothingKept(): Promise<void> {
  expect(await ask(postgres.url, 'SELECT id FROM kept')).toEqual([]);
}

describeFault('F52: a handler never answers', () => {
  beforeAll(start);
  afterAll(() => app.close());

  const idlers: readonly (readonly [what: string, act: Act, warning: RegExp | undefined])[] = [
    ['and does nothing', () => undefined, /^route "bad\d": .* and the database did nothing for it;/],
    [
      'and keeps a connection',
      (req) => req.sluice.connect(),
      /^route "bad\d": .* kept a connection that it had not used for \d{2,3} ms;/,
    ],
    [
      'in the middle of a transaction',
      (req) =>
        req.sluice.transaction(async (client) => {
          await client.query('INSERT INTO kept VALUES (1)');
          await new Promise(() => undefined);
        }),
      /^route "bad\d": .* kept a connection that it had not used for \d{2,3} ms;/,
    ],
    ['while its statement runs', (req) => req.sluice.query('SELECT pg_sleep(60)').catch(() => undefined), undefined],
  ];
  const idling = idlers.map(([what, idle, warning], index) => ({ what, idle, warning, route: `bad${index}` }));
  it.each(idling)(
    '$what: 504 at its deadline, and everything it held is back',
    NOISE,
    async ({ idle, warning, route }) => {
      act = idle;
      const { outcomes, silentHandlers } = app.stats(route);
      const { expired } = outcomes;
      let admitted = 0;
      let slowestMs = 0;
      const noise = new MachineNoise();
      await besideOthers(async () => {
        for (let round = 0; round < 2; round += 1) {
          const answers = await many(route);
          const late = answers.filter(({ status }) => status === 504);
          for (const { ms, body } of late) {
            expect(body).toMatchObject({ code: 'deadline_expired' });
            slowestMs = Math.max(slowestMs, ms);
          }
          // Those behind them end with the same deadline, in the queue.
          const queued = answers.filter(({ status, body }) => status === 503 && body.code === 'deadline_expired');
          expect(late.length + queued.length).toBe(answers.length);
          admitted += late.length;
        }
      });
      expect(slowestMs).toBeLessThan(DEADLINE_MS + 100 + noise.stop());
      expect(admitted).toBeGreaterThanOrEqual(SEATS + 1);
      expect(app.stats(route).outcomes.expired - expired).toBe(admitted);
      // Also where the machine was noisy and the test is repeated.
      const told = app.log.of('handler_silent').filter((text) => text.startsWith(`route "${route}"`));
      expect(told).toEqual(warning === undefined ? [] : [expect.stringMatching(warning)]);
      // On a busy machine one or the other has no connection yet, or still waits for its first statement.
      const silent = app.stats(route).silentHandlers - silentHandlers;
      if (warning === undefined) expect(silent).toBe(0);
      else expect(silent).toBeGreaterThan(admitted / 2);
      await app.expectAtRest();
      await expectNothingKept();
    },
  );

  it('and uses what it kept after its deadline: refused', async () => {
    const late = latch<unknown>();
    let kept: SluiceConnection | undefined;
    act = async (req) => {
      const { sluice } = req;
      kept = await sluice.connect();
      sluice.signal.addEventListener('abort', () => {
        late.open(
          Promise.allSettled([
            kept?.query('INSERT INTO kept VALUES (1)'),
            sluice.query('INSERT INTO kept VALUES (2)'),
            sluice.transaction((client) => client.query('INSERT INTO kept VALUES (3)')),
          ]),
        );
      });
    };
    expect((await app.send('/bad')).status).toBe(504);
    const tried = (await late.promise) as PromiseSettledResult<unknown>[];
    expect(tried.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    await app.expectAtRest();
    await expectNothingKept();
  });
});

describeFault('F53: a handler throws', () => {
  beforeAll(start);
  afterAll(() => app.close());

  const fail = (): never => {
    throw new Error('the handler made a mistake');
  };
  const inTransaction = (req: Request): Promise<never> =>
    req.sluice.transaction(async (client) => {
      await client.query('INSERT INTO kept VALUES (1)');
      return fail();
    });
  const throwers: readonly (readonly [what: string, act: Act])[] = [
    ['at once', fail],
    ['later', async (req) => (await req.sluice.query('SELECT 1')) && fail()],
    ['inside a transaction', inTransaction],
    ['with a connection in its hands', async (req) => (await req.sluice.connect()) && fail()],
  ];
  it.each(throwers)('%s: 500, rolled back, and everything it held is back', async (_what, thrower) => {
    act = thrower;
    const { failed } = app.stats('bad').outcomes;
    await besideOthers(async () => {
      for (let round = 0; round < 2; round += 1) {
        const answer = await app.send('/bad');
        expect(answer).toMatchObject({ status: 500, body: { status: 500 } });
        expect(JSON.stringify(answer.body)).not.toContain('mistake');
      }
    });
    // A connection that was kept is taken back after a moment; until then its seat goes on.
    await until(() => app.stats('bad').outcomes.failed - failed === 2, 1_500);
    await app.expectAtRest();
    await expectNothingKept();
  });

  it('after its answer has begun: the answer is cut off, so that nobody takes it for whole', async () => {
    act = async (req, res) => {
      res.writeHead(200, { 'content-type': 'text/plain' });
      res.write('half');
      await inTransaction(req);
    };
    await besideOthers(async () => {
      const answer = await fetch(`http://127.0.0.1:${app.port}/bad`);
      expect(answer.status).toBe(200);
      await expect(answer.text()).rejects.toThrow();
    });
    await app.expectAtRest();
    await expectNothingKept();
  });
});

describeFault('F54: a handler uses a connection after its release', () => {
  beforeAll(start);
  afterAll(() => app.close());

  it('twice released, and used by the next borrower: that one notices nothing', async () => {
    const stale: SluiceConnection[] = [];
    act = async (req, res) => {
      const connection = await req.sluice.connect();
      connection.release();
      connection.release();
      stale.push(connection);
      const late = await connection.query('INSERT INTO kept VALUES (1)').catch((error: Error) => error.message);
      res.json({ late });
    };
    await besideOthers(async () => {
      for (let round = 0; round < 10; round += 1) {
        const { status, body } = await app.send('/bad');
        expect({ status, body }).toEqual({
          status: 200,
          body: { late: expect.stringMatching(/given back|release/) },
        });
      }
      // Every session is in somebody else's hands by now, and some of them in the middle of a statement.
      const { inUse } = app.gateway.snapshot().pools[0]?.connections ?? { inUse: 0 };
      for (const connection of stale) connection.release();
      await Promise.all(
        stale.map((connection) => expect(connection.query('DELETE FROM kept')).rejects.toThrow(/given back|release/)),
      );
      expect(inUse).toBeLessThanOrEqual(SEATS);
    });
    const { seats } = app.gateway.snapshot().pools[0] ?? {};
    expect(seats?.inFlight).toBe(0);
    await app.expectAtRest();
    await expectNothingKept();
  });

  it('released while its own statement runs: the next borrower gets a session at rest', async () => {
    act = async (req, res) => {
      const connection = await req.sluice.connect();
      const running = connection.query('SELECT pg_sleep(60)').catch((error: Error) => error.message);
      connection.release();
      connection.release();
      res.json({ ended: await running });
    };
    await besideOthers(async () => {
      const answers = await Promise.all([1, 2, 3].map(() => app.send('/bad')));
      for (const { status, body } of answers)
        expect({ status, ended: typeof body.ended }).toEqual({ status: 200, ended: 'string' });
    });
    await until(async () => (await app.running()).length === 0);
    await app.expectAtRest();
  });
});
