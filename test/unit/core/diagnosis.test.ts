import { describe, expect, it } from 'vitest';
import { diagnose, type PoolFigures, type RouteFigures } from '../../../src/core/diagnosis.js';

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
      'a single route on the pool is slow while it sheds: the server, not its statement',
      { ...crowded, routes: [route('read', 5)] },
      'database_saturated',
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
