import { createGateway, isSluiceError } from 'sluice';
import { expect, it, onTestFinished } from 'vitest';

/** What is admitted of so many at once. */
async function admitted(run: () => Promise<unknown>, count: number): Promise<number> {
  const all = await Promise.all(Array.from({ length: count }, () => run().then(() => true, refusedByRate)));
  return all.filter(Boolean).length;
}

function refusedByRate(error: unknown): false {
  if (!isSluiceError(error) || error.code !== 'rate_limited') throw error;
  return false;
}

it('keeps the last tokens of all routes for the more important ones', async () => {
  const gateway = await createGateway(
    { routes: { checkout: { priority: 'critical' }, report: { priority: 'low' } } },
    { env: { SLUICE_RATE_PER_SECOND: '0.001', SLUICE_BURST: '20' } },
  );
  onTestFinished(() => gateway.drain({ timeoutMs: 0 }));
  expect(await admitted(() => gateway.run('report', async () => {}), 30)).toBe(10);
  expect(await admitted(() => gateway.run('checkout', async () => {}), 30)).toBe(10);
});
