import type { Response } from 'express';
import { protect } from 'sluice/express';
import { expect, it } from 'vitest';
import { until } from '../pools/pool-fixture.js';
import { FRAMEWORKS, latch, serve } from './harness.js';

it.each(FRAMEWORKS)(
  'a full queue says on %s whose bound was reached, and what would have passed',
  async (_, express) => {
    const held = latch();
    const handler = async (_req: unknown, res: Response): Promise<void> => {
      await held.promise;
      res.json({});
    };
    const routes = { none: { concurrency: 1, maxQueued: 0 }, few: { concurrency: 1, maxQueued: 2 } };
    const bench = await serve({ express, routes }, (app, gateway) => {
      app.get('/none', protect(gateway, 'none', {}, handler));
      app.get('/few', protect(gateway, 'few', {}, handler));
    });
    const five = (route: string) => Array.from({ length: 5 }, () => bench.request.get(`/${route}`).then((one) => one));
    const answers = [...five('none'), ...five('few')];
    await until(() => bench.stats('none').shed + bench.stats('few').shed === 4 + 2);
    held.open();
    const refused = (await Promise.all(answers)).filter(({ status }) => status === 503).map(({ body }) => body);
    const about = { stage: 'arrival', scope: 'route', predicted_wait_ms: expect.any(Number) };
    const expected = [
      ...Array(4).fill({ ...about, route: 'none', free_seats: 0, passes_with_free_seats: 1 }),
      ...Array(2).fill({ ...about, route: 'few', queued: 2, passes_with_queued_below: 2 }),
    ];
    expect(refused.map(({ measured }) => measured)).toEqual(expected);
    await bench.atRest();
    await bench.close();
  },
);
