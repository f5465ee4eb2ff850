import { describe, expect, it } from 'vitest';
import { doubtsOf } from '../../../src/config/doubts.js';
import type { GatewayOptions } from '../../../src/config/options.js';
import { resolveConfig } from '../../../src/config/resolve.js';

const URL = 'postgres://app@db/main';
const POOLS = { main: { url: URL }, spare: { url: URL, max: 7 } };

describe('what deserves a second look', () => {
  it('is a pool that no route uses, also where another one yields to it', () => {
    const pools = { ...POOLS, main: { url: URL, yieldsTo: 'spare', targetMs: 50 } };
    const config = resolveConfig({ pools, routes: { a: { pool: 'main' } } }, {});
    expect(doubtsOf(config)).toEqual([
      { where: 'pools.spare', text: expect.stringMatching(/^no route uses it, .* its 7 connections; name it as /) },
    ]);
    expect(doubtsOf(resolveConfig({ pools, routes: { a: { pool: 'main' }, b: { pool: 'spare' } } }, {}))).toEqual([]);
  });

  it.each<[options: GatewayOptions, where: string | undefined, least?: number]>([
    [{ routes: { a: { ratePerSecond: 1_000, burst: 1 } } }, 'routes.a.burst', 20],
    [{ routes: { a: { ratePerSecond: 1_000, burst: 19 } } }, 'routes.a.burst', 20],
    [{ routes: { a: { ratePerSecond: 1_000, burst: 20 } } }, undefined],
    [{ routes: { a: { ratePerSecond: 50, burst: 1 } } }, undefined],
    [{ routes: { a: { ratePerSecond: 51, burst: 1 } } }, 'routes.a.burst', 2],
    [{ routes: { a: { ratePerSecond: 1_000 } } }, undefined],
    [
      { routes: { a: { perCaller: { key: () => 'one', ratePerSecond: 200, burst: 2 } } } },
      'routes.a.perCaller.burst',
      4,
    ],
    [{ ratePerSecond: 5_000, burst: 10, routes: { a: {} } }, 'burst', 100],
  ])('is a burst that is used up by what comes at once: %j', (options, where, least) => {
    const doubts = doubtsOf(resolveConfig(options, {}));
    expect(doubts.map((doubt) => doubt.where)).toEqual(where === undefined ? [] : [where]);
    if (least !== undefined) expect(doubts[0]?.text).toContain(`use at least ${least}, or leave it out`);
  });
});
