import type { Request } from 'express';
import type { Gateway, RequestHandle } from 'sluice';
import { protect } from 'sluice/express';
import { expect, it } from 'vitest';
import { latch } from '../integration/http/harness.js';
import { describeFault } from './repetitions.js';
import { standingApp } from './standing-app.js';
import { until } from './until.js';

// F55: every seat, or every connection, is held by a handler that waits for one more of the same. The handle knows whose
// it is and refuses, and so does the pool where none of its connections would come back. `gateway.run` does not: an AsyncLocalStorage around each handler would tell it, and costs 2 to 3 %
// of a request's whole time on Node 20, whether anybody nests or not. There the deadline of each ends it, and nothing is
// lost.

const MAX = 4;
const DEADLINE_MS = 1_000;

type Nested = (handle: RequestHandle, gateway: Gateway) => Promise<unknown>;

const query = (handle: RequestHandle): Promise<unknown> => handle.query('SELECT 1');

const NESTED: Readonly<Record<string, Nested>> = {
  handle: (handle) => handle.run('inner', query),
  gateway: (_handle, gateway) => gateway.run('inner', query),
  connection: async (handle) => {
    const first = await handle.connect();
    try {
      await allHold();
      return await query(handle);
    } finally {
      first.release();
    }
  },
  transaction: (handle) => handle.transaction(() => allHold().then(() => query(handle))),
  transactions: (handle) =>
    handle.transaction(() => allHold().then(() => handle.transaction((tx) => tx.query('SELECT 1')))),
};

let holding = 0;
let all = latch();

/** Goes on once as many hold what they have as there are of it: the worst case, every time. */
function allHold(): Promise<void> {
  holding += 1;
  if (holding === MAX) all.open();
  return all.promise;
}

describeFault('F55: each handler holds one and waits for another', () => {
  const standing = standingApp(
    {
      // Only what is tested may keep anybody from a seat.
      pools: { main: { max: MAX, minIdle: MAX, headroom: 0, feasibility: false, eviction: false } },
      routes: {
        outer: { pool: 'main', deadlineMs: DEADLINE_MS },
        inner: { pool: 'main', deadlineMs: 10_000 },
      },
    },
    (express, gateway) => {
      express.get(
        '/outer/:way',
        protect(gateway, 'outer', {}, async (req, res) => {
          res.json({ result: await nested(req, gateway) });
        }),
      );
      express.get(
        '/plain',
        protect(gateway, 'outer', {}, async (req, res) => {
          await query(req.sluice);
          res.json({});
        }),
      );
    },
  );

  async function nested(req: Request, gateway: Gateway): Promise<unknown> {
    const way = NESTED[String(req.params.way)];
    if (way === NESTED.handle || way === NESTED.gateway) await allHold();
    return way?.(req.sluice, gateway);
  }

  async function crowd(way: string) {
    holding = 0;
    all = latch();
    const startedMs = performance.now();
    const answers = await Promise.all(Array.from({ length: MAX }, () => standing.app.send(`/outer/${way}`)));
    return { answers, tookMs: performance.now() - startedMs };
  }

  it('of the same handle: refused at once, with the remedy', async () => {
    const { app } = standing;
    app.unexpected.length = 0;
    const { answers, tookMs } = await crowd('handle');
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 500));
    expect(tookMs).toBeLessThan(DEADLINE_MS);
    expect(app.unexpected.map(String)).toEqual(
      answers.map(() => expect.stringMatching(/could wait for itself; use the handle of the request/)),
    );
    await app.expectAtRest();
  });

  it.each(['connection', 'transaction', 'transactions'])(
    'of the %s: whoever comes last is refused at once, with the remedy, and the others get on',
    async (way) => {
      const { app } = standing;
      app.unexpected.length = 0;
      const { answers, tookMs } = await crowd(way);
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 200, 200, 500]);
      expect(tookMs).toBeLessThan(DEADLINE_MS);
      expect(app.unexpected.map(String)).toEqual([expect.stringMatching(/use the client that it gives you/)]);
      await app.expectAtRest();
    },
  );

  it('of gateway.run: each ends at its deadline, and the pool serves the next at once', async () => {
    const { app } = standing;
    const waited = app.stats('inner').arrived;
    const { answers, tookMs } = await crowd('gateway');
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual(
      answers.map(() => [504, 'deadline_expired']),
    );
    expect(tookMs).toBeLessThan(2 * DEADLINE_MS);
    expect(app.log.of('handler_silent')).toContainEqual(
      expect.stringMatching(/^route "outer": .* run\(\) of its own handle/),
    );
    expect((await app.send('/plain')).status).toBe(200);
    // What had waited inside gets its seat after all, and is no orphan.
    await until(() => app.stats('inner').ended === app.stats('inner').arrived);
    expect(app.stats('inner').arrived - waited).toBe(MAX);
    expect(app.stats('inner').outcomes).toMatchObject({ succeeded: app.stats('inner').arrived, failed: 0, expired: 0 });
    await app.expectAtRest();
  });
});
