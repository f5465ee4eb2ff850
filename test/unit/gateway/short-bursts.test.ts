import { expect, it } from 'vitest';
import { resolveConfig } from '../../../src/config/resolve.js';
import { shortBursts } from '../../../src/gateway/short-bursts.js';

const perCaller = { key: (): string => 'x', ratePerSecond: 1_000, burst: 4 };

it('names each rate limit of a fleet whose burst overflows between two words with Redis, with what helps', () => {
  const config = resolveConfig(
    {
      ratePerSecond: 2_000,
      burst: 30,
      routes: {
        short: { ratePerSecond: 1_000, burst: 19 },
        enough: { ratePerSecond: 1_000, burst: 20 },
        usual: { ratePerSecond: 1_000 },
        alone: { ratePerSecond: 1_000, burst: 1, fleetWide: false },
        slow: { ratePerSecond: 10, burst: 1 },
        callers: { ratePerSecond: 100, perCaller },
      },
    },
    {},
  );
  const told = shortBursts(config);
  expect(told.map((text) => text.split(' ')[0])).toEqual([
    'burst',
    'routes.short.burst',
    'routes.callers.perCaller.burst',
  ]);
  expect(told[1]).toMatch(
    /^routes.short.burst is 19, which 1000 a second refill in 19 ms: .* a part of the rate is lost\. Use a burst of 20 or more\.$/,
  );
  expect(told[2]).toMatch(/is 4, which 1000 a second refill in 4 ms: .* most of the rate is lost/);
});
