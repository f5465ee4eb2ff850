import { protect } from 'sluice/express';
import { expect, it } from 'vitest';
import { serve } from './harness.js';

it('an answer tells what would have been done once an operator has switched to observing, and not before or after', async () => {
  const routes = { work: { ratePerSecond: 0.001, burst: 1 } };
  const bench = await serve({ routes }, (app, gateway) => {
    app.get('/work', protect(gateway, 'work'), (_req, res) => res.json({}));
  });
  try {
    const told = async (): Promise<unknown[]> => {
      const { status, headers } = await bench.request.get('/work');
      return [status, headers['sluice-observe'], 'ratelimit' in headers];
    };
    expect(await told()).toEqual([200, undefined, true]);
    expect(await told()).toEqual([429, undefined, true]);
    const { id } = bench.gateway.liveChanges.set('mode', 'observe');
    expect(await told()).toEqual([200, 'shed; code=rate_limited', false]);
    bench.gateway.liveChanges.undo(id);
    expect(await told()).toEqual([429, undefined, true]);
  } finally {
    await bench.close();
  }
});
