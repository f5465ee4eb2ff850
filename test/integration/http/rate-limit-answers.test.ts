import { protect } from 'sluice/express';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Bench, serve } from './harness.js';

// So slow that nothing comes back while the test runs.
const SLOW = 1e-3;

let bench: Bench;

beforeAll(async () => {
  const key = (req: { headers: Record<string, unknown> }) => String(req.headers['x-caller']);
  bench = await serve(
    {
      routes: {
        both: { ratePerSecond: SLOW, burst: 3, perCaller: { key, ratePerSecond: SLOW, burst: 2 } },
        callers: { perCaller: { key, ratePerSecond: 2 * SLOW, burst: 1 } },
        none: {},
      },
    },
    (app, gateway) => {
      for (const route of ['both', 'callers', 'none'])
        app.get(
          `/${route}`,
          protect(gateway, route, {}, (_req, res) => res.sendStatus(204)),
        );
    },
  );
});
afterAll(() => bench.close());

async function ask(route: string, caller: string): Promise<unknown[]> {
  const { status, headers } = await bench.request.get(`/${route}`).set('X-Caller', caller);
  return [status, headers.ratelimit, headers['ratelimit-policy']];
}

it('tells each bucket under a policy of its own, when it admits and when it refuses', async () => {
  const policies = '"both";q=3;w=3000, "both.perCaller";q=2;w=2000';
  const level = (endpoint: number, caller: number): unknown =>
    expect.stringMatching(
      new RegExp(`^"both";r=${endpoint};t=\\d+, "both.perCaller";r=${caller}${caller === 2 ? '' : ';t=\\d+'}$`),
    );
  expect(await ask('both', 'ada')).toEqual([204, level(2, 1), policies]);
  expect(await ask('both', 'ada')).toEqual([204, level(1, 0), policies]);
  expect(await ask('both', 'ada')).toEqual([429, level(1, 0), policies]);
  expect(await ask('both', 'bob')).toEqual([204, level(0, 1), policies]);
  expect(await ask('both', 'cyd')).toEqual([429, level(0, 2), policies]);
});

it('tells what there is, where only callers are limited, or nobody', async () => {
  const policy = '"callers.perCaller";q=1;w=500';
  const empty = expect.stringMatching(/^"callers\.perCaller";r=0;t=(499|500)$/);
  expect(await ask('callers', 'ada')).toEqual([204, empty, policy]);
  expect(await ask('callers', 'ada')).toEqual([429, empty, policy]);
  expect(await ask('none', 'ada')).toEqual([204, undefined, undefined]);
});
