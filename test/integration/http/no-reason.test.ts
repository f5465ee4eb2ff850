import type { Request } from 'express';
import { protect } from 'sluice/express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bench, FRAMEWORKS, serve } from './harness.js';

/** What Express takes for no error. */
const NO_REASONS: readonly unknown[] = ['', 0, false, Number.NaN, null, undefined];

describe.each(FRAMEWORKS)('what fails without a reason, on %s', (_, express) => {
  let bench: Bench;
  let reason: unknown;
  let unguarded = 0;

  beforeAll(async () => {
    const rejects = async (): Promise<never> => {
      throw reason;
    };
    const throws = (): never => {
      throw reason;
    };
    const seen = (req: Request): void => {
      if (req.sluice === undefined) unguarded += 1;
    };
    bench = await serve({ express, routes: { body: {}, handler: {} } }, (app, gateway) => {
      app.get('/body/rejects', protect(gateway, 'body', { body: rejects }), (req, res) => {
        seen(req);
        res.json({});
      });
      app.get('/body/throws', protect(gateway, 'body', { body: throws }), (req, res) => {
        seen(req);
        res.json({});
      });
      app.get('/handler/rejects', protect(gateway, 'handler', {}, rejects));
      app.get('/handler/throws', protect(gateway, 'handler', {}, throws));
    });
  });
  afterAll(() => bench.close());

  it.each(['/body/rejects', '/body/throws', '/handler/rejects', '/handler/throws'])(
    'is an error all the same, and goes not past the guard: %s',
    async (path) => {
      for (const each of NO_REASONS) {
        reason = each;
        const failed = bench.unexpected.length;
        expect((await bench.request.get(path)).status).toBe(500);
        expect(String(bench.unexpected[failed])).toMatch(/failed without a reason/);
      }
      expect(unguarded).toBe(0);
      await bench.atRest();
    },
  );
});
