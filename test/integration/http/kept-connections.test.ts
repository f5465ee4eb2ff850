import { protect } from 'sluice/express';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { OpenAnswer } from '../../../src/gateway/open-answers.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { until } from '../pools/pool-fixture.js';
import { type Bench, latch, serve } from './harness.js';

// How much a client has to read of an answer depends on whether it keeps a connection of the database meanwhile: see
// test/unit/gateway/unread-answers.test.ts for how much, and F50 for what becomes of its seat.

let postgres: PostgresServer;
let bench: Bench;
let open: OpenAnswer[];
const gates = { borrow: latch(), giveBack: latch(), end: latch() };

beforeEach(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
  bench = await serve(
    { url: postgres.url, pools: { main: { max: 1 } }, routes: { stream: { pool: 'main', stream: true } } },
    (app, gateway) => {
      open = [];
      const add = gateway.answers.add.bind(gateway.answers);
      gateway.answers.add = (answer) => {
        open.push(answer);
        add(answer);
      };
      app.get(
        '/stream',
        protect(gateway, 'stream', {}, async (req, res) => {
          res.write('begins');
          await gates.borrow.promise;
          const connection = await req.sluice.connect();
          await connection.query('SELECT 1');
          await gates.giveBack.promise;
          connection.release();
          await gates.end.promise;
          res.end();
        }),
      );
    },
  );
});
afterEach(async () => {
  await bench.close();
  await postgres.close();
});

it('an answer knows whether a connection waits until it is read', async () => {
  const answer = bench.request.get('/stream').then(({ text }) => text);
  await until(() => open.length === 1);
  const keeps = (): boolean | undefined => open[0]?.keepsConnection;
  expect(keeps()).toBe(false);
  gates.borrow.open();
  await until(() => keeps() === true);
  expect(bench.gateway.snapshot().pools[0]?.connections.inUse).toBe(1);
  gates.giveBack.open();
  await until(() => keeps() === false);
  gates.end.open();
  expect(await answer).toBe('begins');
  await bench.atRest();
});
