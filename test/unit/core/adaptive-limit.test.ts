import { describe, expect, it } from 'vitest';
import { AdaptiveLimit } from '../../../src/core/adaptive-limit.js';
import { SLOW_RATIO } from '../../../src/core/hold-window.js';
import { crowding, PoolUnderLoad, type Server, sleeping } from './pool-under-load.js';

const SEATS = 16;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const BUSY = { callers: 64 };
/** About one request in flight, for work of 50 ms. */
const QUIET = { perSecond: 20 };

const inFlightOf = (limit: number, server: Server): number => {
  const pool = new PoolUnderLoad(limit, limit);
  pool.run(20_000, server, BUSY);
  return pool.done / 20;
};

describe('an adaptive limit', () => {
  it('stays at the seats for work that does not mind how much of it there is', () => {
    const pool = new PoolUnderLoad(SEATS);
    pool.run(MINUTE, sleeping(50), QUIET);
    pool.watch();
    pool.run(10 * MINUTE, sleeping(50), BUSY);
    expect(pool.seen).toEqual({ least: SEATS, most: SEATS });
    expect(pool.limit.reason).toBe('start');
  });

  it.each([
    ['known before', true],
    ['never known: cold start under full load', false],
  ])('ends near the knee of work that crowds, with its quiet time %s', (_, quiet) => {
    const pool = new PoolUnderLoad(SEATS);
    if (quiet) pool.run(MINUTE, crowding(10), QUIET);
    pool.run(30_000, crowding(10), BUSY);
    pool.watch();
    pool.run(10 * MINUTE, crowding(10), BUSY);
    expect(pool.seen.most).toBeLessThanOrEqual(4);
    const best = Math.max(...[1, 2, 4, 8, 16].map((limit) => inFlightOf(limit, crowding(10))));
    expect(pool.done / 600).toBeGreaterThan(0.95 * best);
  });

  it('finds the knee where it is, not at the smallest number', () => {
    const pool = new PoolUnderLoad(32);
    pool.run(MINUTE, crowding(10, 8), BUSY);
    pool.watch();
    pool.run(10 * MINUTE, crowding(10, 8), BUSY);
    expect(pool.seen.least).toBeGreaterThanOrEqual(4);
    expect(pool.seen.most).toBeLessThanOrEqual(13);
    const best = Math.max(...[6, 8, 10].map((limit) => inFlightOf(limit, crowding(10, 8))));
    expect(pool.done / 600).toBeGreaterThan(0.95 * best);
  });

  it('measures nothing while something else holds the limit lower', () => {
    const limit = new AdaptiveLimit(0, { seats: SEATS, minSeats: 1 });
    const use = { seats: 8, inFlight: 8 };
    for (let nowMs = 100; nowMs < MINUTE; nowMs += 100) {
      for (let request = 0; request < 8; request++) limit.ended(nowMs, 'route', 90, 'done', use);
      limit.control(nowMs, { seats: 8, inFlight: 15 });
    }
    expect(limit.limit).toBe(SEATS);
    expect(limit.reason).toBe('start');
  });

  it('takes an unfinished trial back when the server goes away', () => {
    const pool = new PoolUnderLoad(SEATS);
    while (pool.limit.reason !== 'trial') pool.run(100, crowding(10), BUSY);
    expect(pool.limit.limit).toBeLessThan(SEATS);
    pool.limit.pause(pool.nowMs);
    expect(pool.limit.limit).toBe(SEATS);
  });

  it('takes only work that came to its own end for a measurement', () => {
    const pool = new PoolUnderLoad(SEATS);
    pool.run(MINUTE, sleeping(50), QUIET);
    const before = pool.quietMs();
    pool.run(10 * MINUTE, () => ({ ms: 1, outcome: 'other' }), QUIET);
    expect(pool.quietMs()).toBe(before);
  });

  it('keeps its bounds whatever happens', () => {
    const pool = new PoolUnderLoad(SEATS, 3);
    const broken: Server = () => ({ ms: 5, outcome: 'strained' });
    for (const server of [crowding(10, 1), broken, sleeping(20), broken]) pool.run(2 * MINUTE, server, BUSY);
    expect(pool.seen.least).toBeGreaterThanOrEqual(3);
    expect(pool.limit.limit).toBe(3);
  });
});

describe('the traps of a limit that follows latency', () => {
  it.each([1.5, 1.6, 3])('no drift under a latency that is %s times the quiet one for an hour', (times) => {
    const pool = new PoolUnderLoad(SEATS);
    pool.run(MINUTE, sleeping(50), QUIET);
    pool.run(MINUTE, sleeping(50 * times), BUSY);
    pool.watch();
    pool.run(HOUR, sleeping(50 * times), BUSY);
    // A trial now and then, and always back.
    expect(pool.seen.least).toBeGreaterThanOrEqual(8);
    expect(pool.done / 3_600).toBeGreaterThan((0.98 * SEATS * 1_000) / (50 * times));
    expect(pool.quietMs()).toBeLessThan(56);
  });

  it('fast timeouts that too many seats bring about do not look healthy', () => {
    const pool = new PoolUnderLoad(SEATS);
    pool.run(MINUTE, crowding(10, 8), QUIET);
    // A lock that is not granted in time: nothing ever holds a seat for long.
    const timeouts: Server = (inFlight, nowMs, random) => {
      const request = crowding(10, 8)(inFlight, nowMs, random);
      return request.ms > 14 ? { ms: 14, outcome: 'strained' } : request;
    };
    const before = pool.quietMs() ?? 0;
    pool.run(30_000, timeouts, BUSY);
    expect(14).toBeLessThan(SLOW_RATIO * before);
    expect(pool.limit.limit).toBeLessThanOrEqual(10);
    expect(pool.limit.limit).toBeGreaterThanOrEqual(6);
    pool.run(MINUTE, sleeping(10), BUSY);
    expect(pool.limit.limit).toBe(SEATS);
  });

  it('nor do those of a server that does nothing at all with so many', () => {
    const pool = new PoolUnderLoad(SEATS);
    const jammed: Server = (inFlight) => (inFlight > 3 ? { ms: 50, outcome: 'strained' } : { ms: 10 });
    while (pool.limit.limit > 3 || pool.limit.reason === 'trial') pool.run(100, jammed, BUSY);
    expect(pool.nowMs).toBeLessThan(20_000);
  });

  it.each([0.05, 0.3, 0.6])('a share of %s that times out whatever the seats takes none of them', (share) => {
    const pool = new PoolUnderLoad(SEATS, 2);
    pool.run(MINUTE, sleeping(50), QUIET);
    const timeouts: Server = (_inFlight, _nowMs, random) => ({
      ms: 50,
      outcome: random() < share ? 'strained' : 'done',
    });
    pool.watch();
    pool.run(HOUR, timeouts, BUSY);
    expect(pool.done / 3_600).toBeGreaterThan(0.97 * SEATS * 20 * (1 - share));
    expect(pool.limit.limit).toBe(SEATS);
  });

  it.each([1, 2, 3])('a slow drift of work with a tail, mostly not full, moves nothing for long (seed %s)', (seed) => {
    const pool = new PoolUnderLoad(10, 2, seed);
    const tail =
      (drift: number): Server =>
      (_inFlight, _nowMs, random) => {
        const ms = drift * (random() < 0.1 ? 185 : 35) * -Math.log(1 - random());
        return ms > 400 ? { ms: 400, outcome: 'strained' } : { ms };
      };
    let offered = 0;
    for (let minute = 0; minute < 60; minute++) {
      pool.run(MINUTE, tail(1 + minute / 60), { perSecond: 200 });
      offered += 200 * 60;
    }
    const fixed = new PoolUnderLoad(10, 10, seed);
    for (let minute = 0; minute < 60; minute++) fixed.run(MINUTE, tail(1 + minute / 60), { perSecond: 200 });
    expect(pool.done).toBeGreaterThan(0.97 * fixed.done);
    expect(fixed.done).toBeLessThan(offered);
    expect(pool.limit.limit).toBeGreaterThanOrEqual(5);
  });

  it('the baseline does not rise with the load that it judges', () => {
    const pool = new PoolUnderLoad(SEATS);
    pool.run(MINUTE, crowding(10), QUIET);
    const before = pool.quietMs() ?? 0;
    pool.run(HOUR, crowding(10), BUSY);
    expect(pool.quietMs()).toBeLessThan(1.5 * before);
    expect(pool.limit.limit).toBeLessThanOrEqual(4);
  });

  it('a mix of fast and slow routes moves nothing, however it changes', () => {
    const pool = new PoolUnderLoad(SEATS);
    const mixed =
      (share: number): Server =>
      (_inFlight, _nowMs, random) =>
        random() < share ? { route: 'fast', ms: 5 + random() } : { route: 'slow', ms: 300 + 60 * random() };
    pool.run(5 * MINUTE, mixed(0.5), { perSecond: 10 });
    pool.watch();
    for (const share of [0.99, 0.5, 0.02, 0.9]) pool.run(5 * MINUTE, mixed(share), BUSY);
    expect(pool.seen.least).toBe(SEATS);
    expect(pool.quietMs('fast')).toBeLessThan(6.1);
    expect(pool.quietMs('slow')).toBeGreaterThan(330);
  });

  it('a degradation that lasts does not become the baseline, and leaves nothing behind', () => {
    const pool = new PoolUnderLoad(SEATS);
    pool.run(MINUTE, sleeping(50), QUIET);
    const before = pool.quietMs() ?? 0;
    pool.run(HOUR, crowding(50, 3), BUSY);
    expect(pool.limit.limit).toBeLessThanOrEqual(6);
    expect(pool.quietMs()).toBeCloseTo(before, -1);
    pool.run(2 * MINUTE, sleeping(50), BUSY);
    expect(pool.limit.limit).toBe(SEATS);
  });

  it('silence teaches nothing, and what comes after it is measured at once', () => {
    const pool = new PoolUnderLoad(SEATS);
    pool.run(MINUTE, crowding(10), QUIET);
    pool.run(5 * MINUTE, crowding(10), BUSY);
    const before = { limit: pool.limit.limit, quietMs: pool.quietMs() };
    pool.run(HOUR, crowding(10), { callers: 0 });
    expect({ limit: pool.limit.limit, quietMs: pool.quietMs() }).toEqual(before);
    pool.run(10_000, sleeping(10), BUSY);
    expect(pool.limit.limit).toBe(SEATS);
  });

  it('little demand moves nothing, up or down', () => {
    const pool = new PoolUnderLoad(SEATS);
    pool.run(MINUTE, crowding(10), QUIET);
    pool.run(MINUTE, crowding(10), BUSY);
    pool.run(MINUTE, crowding(10), { callers: 0 });
    const { limit } = pool.limit;
    pool.watch();
    pool.run(10 * MINUTE, sleeping(10), { callers: Math.max(1, Math.floor(limit / 2)) });
    expect(pool.seen).toEqual({ least: limit, most: limit });
  });

  it('a cold start under full load costs work that sleeps less than one part in a hundred', () => {
    const pool = new PoolUnderLoad(SEATS);
    pool.run(HOUR, sleeping(50), BUSY);
    expect(pool.done / 3_600).toBeGreaterThan(0.99 * (SEATS * 20));
    expect(pool.seen.least).toBeGreaterThanOrEqual(8);
  });

  it('comes back from the smallest number when the work changes, without a quiet moment', () => {
    const pool = new PoolUnderLoad(SEATS);
    pool.run(2 * MINUTE, crowding(10), BUSY);
    expect(pool.limit.limit).toBeLessThanOrEqual(4);
    pool.run(3 * MINUTE, sleeping(10), BUSY);
    expect(pool.limit.limit).toBeGreaterThanOrEqual(12);
  });
});
