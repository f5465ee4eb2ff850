import { SluiceError } from 'sluice';
import { protect } from 'sluice/express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bench, serve } from './harness.js';

const CLASSES = ['critical', 'high', 'normal', 'low'] as const;

let bench: Bench;
let drawn: number;

beforeAll(async () => {
  bench = await serve(
    {
      routes: Object.fromEntries(CLASSES.map((priority) => [priority, { priority }])),
      surroundings: { random: () => drawn },
    },
    (app, gateway) => {
      for (const route of CLASSES) {
        app.get(
          `/${route}`,
          protect(gateway, route, {}, () => {
            throw new SluiceError({
              code: 'database_busy',
              status: 503,
              outcome: 'not_started',
              detail: '',
              retryAfterMs: 10_000,
            });
          }),
        );
      }
    },
  );
});
afterAll(() => bench.close());

describe('Retry-After', () => {
  it.each([
    [0, ['8', '10', '12', '15']],
    [0.5, ['10', '13', '15', '20']],
    [0.999_999, ['13', '16', '19', '25']],
  ])(
    'of an error in the handler is drawn (%d) from the random source of the gateway, and longer for lower classes',
    async (draw, seconds) => {
      drawn = draw;
      const answers = await Promise.all(CLASSES.map((route) => bench.request.get(`/${route}`).expect(503)));
      expect(answers.map(({ headers }) => headers['retry-after'])).toEqual(seconds);
    },
  );

  it('of a refusal at the door as well', async () => {
    drawn = 0;
    await bench.gateway.drain({ timeoutMs: 0 });
    const answers = await Promise.all(CLASSES.map((route) => bench.request.get(`/${route}`).expect(503)));
    expect(answers.map(({ body }) => body.code)).toEqual(CLASSES.map(() => 'draining'));
    expect(answers.map(({ body }) => body.retry_after_ms)).toEqual([750, 938, 1_125, 1_500]);
  });
});
