import { expect, it } from 'vitest';
import { resolveConfig } from '../../../src/config/resolve.js';
import { FleetAgreement } from '../../../src/gateway/fleet-agreement.js';

type Options = Parameters<typeof resolveConfig>[0];

function agreement(options: Options, log: string[] = []): FleetAgreement {
  return new FleetAgreement(resolveConfig(options, {}), (code, message) => log.push(`${code}: ${message}`));
}

const key = (): string => 'somebody';

function options(ratePerSecond: number, burst: number, rest: Partial<Options> = {}): Options {
  const search = { ratePerSecond, burst, perCaller: { key, ratePerSecond, burst } };
  return { redisUrl: 'redis://127.0.0.1', ratePerSecond, burst, routes: { search }, ...rest };
}

const OWN = { refillPerSecond: 100, burst: 50 };

it.each(['', 'routes.search.', 'routes.search.perCaller.'])(
  'lets the least of "%s" hold, while there is one',
  (path) => {
    const mine = agreement(options(100, 50));
    const limit = mine.limit(path, OWN);
    expect(limit).toEqual(OWN);
    mine.hear([agreement(options(10, 80)).text, agreement(options(200, 20)).text]);
    expect(limit).toEqual({ refillPerSecond: 10, burst: 20 });
    // One that is made only now, and all callers of a route, have the same.
    expect(mine.limit(path, OWN)).toBe(limit);
    mine.hear([]);
    expect(limit).toEqual(OWN);
  },
);

it('counts nobody who counts elsewhere: who observes, and whose route keeps to itself', () => {
  const mine = agreement(options(100, 50));
  const [all, endpoint] = [mine.limit('', OWN), mine.limit('routes.search.', OWN)];
  mine.hear([agreement(options(10, 20, { mode: 'observe' })).text]);
  expect([all, endpoint]).toEqual([OWN, OWN]);
  const search = { ratePerSecond: 10, burst: 20, fleetWide: false };
  mine.hear([agreement(options(10, 20, { routes: { search } })).text]);
  expect([all, endpoint]).toEqual([{ refillPerSecond: 10, burst: 20 }, OWN]);
});

it('counts no route that has callers only, where it keeps to itself', () => {
  const mine = agreement(options(100, 50));
  const callers = mine.limit('routes.search.perCaller.', OWN);
  const search = { perCaller: { key, ratePerSecond: 10, burst: 20 }, fleetWide: false };
  mine.hear([agreement(options(10, 20, { routes: { search } })).text]);
  expect(callers).toEqual(OWN);
});

it.each(['{"ratePerSecond":0,"burst":-1}', '{"ratePerSecond":"10","burst":null}', '[]', 'null', '"10"', '{'])(
  'goes by its own where another says %s',
  (text) => {
    const mine = agreement(options(100, 50));
    const limit = mine.limit('', OWN);
    mine.hear([text.replace('{"', '{"mode":"enforce","')]);
    expect(limit).toEqual(OWN);
  },
);

it('says what differs when it begins, and once', () => {
  const log: string[] = [];
  const mine = agreement(options(100, 50), log);
  const other = agreement(options(10, 50)).text;
  mine.hear([other]);
  mine.hear([other]);
  expect(log).toEqual([
    expect.stringMatching(/^fleet_mismatch: .*ratePerSecond is 100 here and 10 elsewhere \(10 holds\)/),
  ]);
  expect(mine.disagreements).toBe(3);
  mine.hear([]);
  expect(mine.disagreements).toBe(0);
});
