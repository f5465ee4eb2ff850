import { describe, expect, it } from 'vitest';
import { diagnose } from '../../../src/core/diagnosis.js';
import type { PoolFigures, RouteFigures } from '../../../src/core/pool-figures.js';

/** 1,000 requests a route whose work takes so many times its quiet 20 ms. */
const route = (name: string, slower: number, ended = 1_000): RouteFigures => {
  return { name, ended, heldMs: ended * 20 * slower, quietMs: 20 };
};

const calm: PoolFigures = {
  name: 'shop',
  down: false,
  seats: 8,
  admitted: 2_000,
  waitedMs: 0,
  shed: 0,
  routes: [route('read', 1), route('write', 1)],
  server: { active: 80, waitingForLocks: 1 },
};

const crowded = { waitedMs: 60_000, shed: 400 };

describe('of a pool in whose front requests wait', () => {
  it.each<[string, Partial<PoolFigures>, string]>([
    ['work takes as long as ever: the pool is too small', { ...crowded }, 'pool_too_small'],
    [
      'one route has become slow, the other has not: a query',
      { ...crowded, routes: [route('read', 12), route('write', 1.1)] },
      'slow_query',
    ],
    [
      'all routes have become slow, and a third of the sessions wait for locks: contention',
      { ...crowded, routes: [route('read', 4), route('write', 6)], server: { active: 80, waitingForLocks: 60 } },
      'lock_contention',
    ],
    [
      'all routes have become slow, and hardly any session waits for a lock: the server is saturated',
      { ...crowded, routes: [route('read', 4), route('write', 6)] },
      'database_saturated',
    ],
  ])('%s', (_, figures, fault) => {
    expect(diagnose({ ...calm, ...figures }).fault).toBe(fault);
  });
});

describe('tells what was seen and what would help', () => {
  it.each<[Partial<PoolFigures>, RegExp]>([
    [crowded, /^17 % of the requests were shed, while .* 1\.0 times .* "max" above 8$/],
    [
      { ...crowded, routes: [route('read', 12), route('write', 1)] },
      /^route "read" takes 12\.0 times .* 92 % .*EXPLAIN/,
    ],
    [{ ...crowded, server: { active: 10, waitingForLocks: 9 } }, /^90 % of the sessions at work wait for locks/],
    [{ waitedMs: 20_000, routes: [route('read', 3), route('write', 3)] }, /^requests waited 17 % .* 3\.0 times/],
  ])('%j', (figures, detail) => {
    expect(diagnose({ ...calm, ...figures }).detail).toMatch(detail);
  });
});

describe('of a pool in whose front nobody waits', () => {
  const slow = [route('read', 3), route('write', 3)];
  it.each<[string, Partial<PoolFigures>, string, RegExp]>([
    [
      'all routes have become slow: the server is saturated, and fewer seats would not help',
      { routes: slow },
      'database_saturated',
      /^requests hardly wait for a seat, and their work takes 3\.0 times .* saturated\. Less work, or a larger server$/,
    ],
    [
      'all have, while other pools of the server have not',
      { routes: slow, beside: [route('r', 1)] },
      'unclear',
      /share/,
    ],
    ['all have, and nobody could look for locks', { routes: slow, server: 'unheard' }, 'unclear', /locks of others/],
    ['all have, for locks', { routes: slow, server: { active: 3, waitingForLocks: 2 } }, 'lock_contention', /^67 %/],
    ['work is as quick as ever', {}, 'none', /^requests hardly wait for a seat, and their work is as quick as ever$/],
    [
      'it is a little slower',
      { routes: [route('read', 1.6), route('write', 1.5)] },
      'none',
      /takes 1\.\d times as long/,
    ],
    [
      'nobody knows',
      { routes: [{ name: 'read', ended: 500, heldMs: 900 }] },
      'none',
      /in quiet times is not known yet$/,
    ],
  ])('%s', (_, figures, fault, detail) => {
    expect(diagnose({ ...calm, ...figures })).toMatchObject({ fault, detail: expect.stringMatching(detail) });
  });
});

describe('where nobody could ask the server', () => {
  it.each<[string, Partial<PoolFigures>, string]>([
    ['names no query', { ...crowded, routes: [route('read', 12), route('write', 1.1)] }, 'unclear'],
    ['does not blame the server', { ...crowded, routes: [route('read', 4), route('write', 6)] }, 'unclear'],
    ['goes on to say that the pool is too small', crowded, 'pool_too_small'],
    ['goes on to say that nothing is the matter', {}, 'none'],
  ])('%s', (_, figures, fault) => {
    const { detail, ...found } = diagnose({ ...calm, ...figures, server: 'unheard' });
    expect(found).toEqual({ pool: 'shop', fault });
    expect(detail.includes('"admin: true"')).toBe(fault === 'unclear');
  });
});

describe('of a pool on which one route runs, and has become slow', () => {
  const alone = { ...crowded, routes: [route('read', 5)] };
  it.each<[string, Partial<PoolFigures>, string, RegExp]>([
    [
      'blames its statements where other pools of the server are as quick as ever',
      { ...alone, beside: [route('report', 1.1)] },
      'slow_query',
      /^17 % of the requests were shed, and route "read" takes 5\.0 times .* other pools .* \(EXPLAIN\)$/,
    ],
    [
      'blames them also while nobody waits yet',
      { routes: [route('read', 5)], beside: [route('report', 1)] },
      'slow_query',
      /^route "read" takes 5\.0 times/,
    ],
    [
      'blames the server where other pools of it have become slow as well',
      { ...alone, beside: [route('report', 3), route('rest', 1)] },
      'database_saturated',
      /as does other work on this server/,
    ],
    ['blames neither where nothing ran beside it', alone, 'unclear', /EXPLAIN\), and at the processors and disks/],
    [
      'takes no word of a handful of requests, nor of work whose quiet time is unknown',
      { ...alone, beside: [route('report', 3, 4), { name: 'rest', ended: 900, heldMs: 9e9 }] },
      'unclear',
      /nothing that ran beside it/,
    ],
    ['blames neither where nobody could look for locks', { ...alone, server: 'unheard' }, 'unclear', /"admin: true"/],
  ])('%s', (_, figures, fault, detail) => {
    const found = diagnose({ ...calm, ...figures });
    expect(found).toMatchObject({ pool: 'shop', fault, detail: expect.stringMatching(detail) });
    expect(found.route).toBe(fault === 'database_saturated' ? undefined : 'read');
  });

  it('does not blame the server for all routes of a pool while its other pools are as quick as ever', () => {
    const routes = [route('read', 4), route('write', 6)];
    expect(diagnose({ ...calm, ...crowded, routes, beside: [route('report', 1)] })).toMatchObject({
      fault: 'unclear',
      detail: expect.stringContaining('look at what those routes share'),
    });
    expect(diagnose({ ...calm, ...crowded, routes, beside: [route('report', 2)] }).fault).toBe('database_saturated');
  });
});

describe('is not led astray', () => {
  it.each<[string, Partial<PoolFigures>, string]>([
    ['nothing is the matter', {}, 'none'],
    ['locks are waited for, but nobody suffers', { server: { active: 4, waitingForLocks: 3 } }, 'none'],
    ['the database is away, whatever else is seen', { ...crowded, down: true }, 'database_down'],
    ['next to nothing was done', { ...crowded, routes: [route('read', 9, 5)] }, 'unclear'],
    [
      'a slow query is one also while nobody waits yet',
      { routes: [route('read', 9), route('write', 1)] },
      'slow_query',
    ],
    [
      'nobody knows how long the work takes in quiet times',
      { ...crowded, routes: [{ name: 'read', ended: 500, heldMs: 90_000 }] },
      'unclear',
    ],
    [
      'work is a little slower: neither more nor fewer seats are sure to help',
      { ...crowded, routes: [route('read', 1.6)] },
      'unclear',
    ],
    [
      'a route that hardly runs is slow: that keeps nobody waiting',
      { ...crowded, routes: [route('read', 1), route('write', 2.5, 4)] },
      'pool_too_small',
    ],
  ])('%s', (_, figures, fault) => {
    expect(diagnose({ ...calm, ...figures }).fault).toBe(fault);
  });
});
