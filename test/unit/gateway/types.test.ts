import express from 'express';
import { createGateway } from 'sluice';
import { protect } from 'sluice/express';
import { expect, it } from 'vitest';

/** Never called: the compiler is the test. A directive that expects an error fails when there is none. */
async function mistakes(): Promise<void> {
  const gateway = await createGateway({
    pools: { main: { url: 'postgres://127.0.0.1/shop', max: 4 } },
    routes: { checkout: { pool: 'main', priority: 'critical' } },
  });
  protect(gateway, 'checkout', { body: express.json() });
  // @ts-expect-error: the compiler has to refuse it, there is no such route
  protect(gateway, 'chekout');
  // @ts-expect-error: the compiler has to refuse it, there is no such route
  await gateway.run('chekout', async () => 1);
  await createGateway({
    pools: { main: {} },
    // @ts-expect-error: the compiler has to refuse it, there is no such pool
    routes: { checkout: { pool: 'mian' } },
  });
  await createGateway({
    // @ts-expect-error: the compiler has to refuse it, there is no such field
    routes: { checkout: { urgency: 9 } },
  });
  await createGateway({
    // @ts-expect-error: the compiler has to refuse it, there is no such class
    routes: { checkout: { priority: 'urgent' } },
  });
}

it('lets the compiler catch misspelled routes, pools, fields and classes', () => {
  expect(mistakes).toBeTypeOf('function');
});
