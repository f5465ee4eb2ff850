import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PoolAdvisor } from '../../../src/core/advisor.js';

/** A pool whose requests end one after the other, at instants that are made up. */
class MadeUpPool {
  nowMs = 1_000;
  limit: number;
  readonly advisor: PoolAdvisor;

  constructor(limit: number) {
    this.limit = limit;
    this.advisor = new PoolAdvisor(this.nowMs, limit);
  }

  /** So many requests of a route, a few milliseconds apart. */
  serve(
    requests: number,
    use: { heldMs: number; waitMs?: number; inFlight: number; route?: string; apartMs?: number },
  ): void {
    const { heldMs, waitMs = 0, inFlight, route = 'work', apartMs = 5 } = use;
    for (let request = 0; request < requests; request++) {
      this.nowMs += apartMs;
      this.advisor.ended(this.nowMs, { route, heldMs, waitMs, found: inFlight, left: inFlight, limit: this.limit });
    }
  }

  advice() {
    return this.advisor.advice(this.nowMs);
  }
}

describe('the advice on the size of a pool', () => {
  it('SIZ-10: one step up where it is at its limit, waits, and the database has room', () => {
    const pool = new MadeUpPool(16);
    pool.serve(100, { heldMs: 10, inFlight: 1 });
    pool.serve(300, { heldMs: 11, waitMs: 6, inFlight: 16 });
    expect(pool.advice()).toEqual({
      action: 'grow',
      reason: 'room_in_database',
      seats: 20,
      detail:
        "75 % of the requests found all 16 seats in use and waited 42 % of their work's time, and the database has " +
        'room: their work takes 1.1 times as long as in a quiet pool',
    });
  });

  it('SIZ-10: a step up also where only those are let in who hardly wait, and the others are shed', () => {
    const pool = new MadeUpPool(4);
    pool.serve(100, { heldMs: 10, inFlight: 1 });
    pool.serve(300, { heldMs: 11, waitMs: 0.5, inFlight: 4 });
    for (let shed = 0; shed < 300; shed++) pool.advisor.shed(pool.nowMs);
    expect(pool.advice()).toEqual({
      action: 'grow',
      reason: 'room_in_database',
      seats: 5,
      detail:
        '86 % of the requests found all 4 seats in use, and 43 % were shed, and the database has room: their work takes ' +
        '1.1 times as long as in a quiet pool',
    });
    // A minute later nothing of that is known any more.
    pool.nowMs += 61_000;
    pool.serve(300, { heldMs: 11, waitMs: 0.5, inFlight: 4 });
    expect(pool.advice()).toMatchObject({ action: 'leave', reason: 'fits' });
  });

  it('SIZ-10: none where the work takes longer the more of it there is', () => {
    const pool = new MadeUpPool(8);
    pool.serve(100, { heldMs: 10, inFlight: 1 });
    pool.serve(300, { heldMs: 15, waitMs: 20, inFlight: 8 });
    expect(pool.advice()).toMatchObject({ action: 'leave', reason: 'database_busy', seats: 8 });
  });

  it('SIZ-11: down to what does something where the database is bound by locks or cores', () => {
    const pool = new MadeUpPool(16);
    pool.serve(100, { heldMs: 1, inFlight: 1 });
    pool.serve(300, { heldMs: 16, waitMs: 40, inFlight: 16 });
    expect(pool.advice()).toMatchObject({ action: 'shrink', reason: 'database_saturated', seats: 2 });
    const cores = new MadeUpPool(16);
    cores.serve(100, { heldMs: 10, inFlight: 1 });
    cores.serve(300, { heldMs: 40, inFlight: 16 });
    // 16 seats that take four times as long do the work of 4.
    expect(cores.advice()).toMatchObject({ action: 'shrink', seats: 5 });
  });

  it('none where nobody waits, or only a few find it full', () => {
    const full = new MadeUpPool(4);
    full.serve(100, { heldMs: 10, inFlight: 1 });
    full.serve(300, { heldMs: 11, waitMs: 0.5, inFlight: 4 });
    expect(full.advice()).toMatchObject({ action: 'leave', reason: 'fits' });
    const rarely = new MadeUpPool(4);
    rarely.serve(280, { heldMs: 10, inFlight: 3 });
    rarely.serve(20, { heldMs: 10, waitMs: 100, inFlight: 4 });
    expect(rarely.advice()).toMatchObject({ action: 'leave', reason: 'fits' });
  });

  it('compares with a pool that was half empty where routes only come together', () => {
    const pool = new MadeUpPool(4);
    for (const route of ['work', 'other']) pool.serve(60, { heldMs: 10, inFlight: 2, route });
    for (const route of ['work', 'other']) pool.serve(150, { heldMs: 10, waitMs: 8, inFlight: 4, route });
    expect(pool.advice()).toMatchObject({ action: 'grow', reason: 'room_in_database', seats: 5 });
    const locked = new MadeUpPool(4);
    locked.serve(60, { heldMs: 10, inFlight: 2 });
    locked.serve(300, { heldMs: 20, waitMs: 20, inFlight: 4 });
    expect(locked.advice()).toMatchObject({ action: 'shrink', reason: 'database_saturated', seats: 3 });
    // What was seen alone tells more.
    locked.serve(60, { heldMs: 20, inFlight: 1 });
    locked.serve(900, { heldMs: 20, waitMs: 20, inFlight: 4, apartMs: 100 });
    expect(locked.advice()).toMatchObject({ action: 'grow' });
  });

  it('none where the pool was never seen quiet: a baseline taken under load would excuse everything', () => {
    const pool = new MadeUpPool(8);
    pool.serve(500, { heldMs: 80, waitMs: 200, inFlight: 8 });
    expect(pool.advice()).toMatchObject({ action: 'leave', reason: 'room_unknown', seats: 8 });
  });

  it('none where a route that was never seen quiet has much of the time: a quick one does not speak for it', () => {
    const serve = (lockedMs: number, quietLocked: number): MadeUpPool => {
      const pool = new MadeUpPool(6);
      pool.serve(100, { heldMs: 10, inFlight: 1, route: 'quick' });
      pool.serve(quietLocked, { heldMs: 5, inFlight: 1, route: 'locked' });
      pool.serve(300, { heldMs: 10, waitMs: 20, inFlight: 6, route: 'quick' });
      pool.serve(30, { heldMs: lockedMs, waitMs: 20, inFlight: 6, route: 'locked' });
      return pool;
    };
    expect(serve(1_400, 0).advice()).toEqual({
      action: 'leave',
      reason: 'room_unknown',
      seats: 6,
      detail:
        "the pool is at its limit, but 91 % of its seats' time is work of locked, and how long that takes in a quiet " +
        'pool is not known yet',
    });
    // Known, it speaks for itself; and what has hardly any of the time is no matter.
    expect(serve(1_400, 30).advice()).toMatchObject({ reason: 'database_saturated' });
    expect(serve(10, 0).advice()).toMatchObject({ action: 'grow', reason: 'room_in_database' });
  });

  it('SIZ-5: down where short queries never need the seats, and not where long ones do', () => {
    const sizes = [1, 6].map((inFlight) => {
      const pool = new MadeUpPool(10);
      pool.serve(1_000, { heldMs: 5 * inFlight, inFlight, apartMs: 80 });
      return pool.advice();
    });
    expect(sizes).toMatchObject([
      { action: 'shrink', reason: 'seats_unused', seats: 2 },
      { action: 'shrink', reason: 'seats_unused', seats: 9 },
    ]);
    const used = new MadeUpPool(10);
    used.serve(1_000, { heldMs: 40, inFlight: 8, apartMs: 80 });
    expect(used.advice()).toMatchObject({ action: 'leave', reason: 'fits' });
  });

  it('does not take seats away before it has looked for a minute', () => {
    const pool = new MadeUpPool(10);
    pool.serve(1_000, { heldMs: 5, inFlight: 1, apartMs: 50 });
    expect(pool.advice()).toMatchObject({ action: 'leave' });
    pool.nowMs += 10_000;
    expect(pool.advice()).toMatchObject({ action: 'shrink' });
  });

  it('is none before enough was seen, and none any more when that is long ago', () => {
    const pool = new MadeUpPool(4);
    expect(pool.advice()).toMatchObject({ action: 'leave', reason: 'little_seen', seats: 4 });
    pool.serve(60, { heldMs: 10, inFlight: 1 });
    pool.serve(300, { heldMs: 10, waitMs: 9, inFlight: 4 });
    expect(pool.advice().action).toBe('grow');
    pool.nowMs += 59_000;
    expect(pool.advice()).toMatchObject({ action: 'leave', reason: 'little_seen' });
  });

  it('compares each route with itself, so that another mix is no other load', () => {
    const pool = new MadeUpPool(4);
    pool.serve(100, { heldMs: 2, inFlight: 1, route: 'short' });
    pool.serve(100, { heldMs: 200, inFlight: 1, route: 'long' });
    // Nothing but long ones when the pool is full: a mean over all routes would have doubled.
    pool.serve(300, { heldMs: 205, waitMs: 100, inFlight: 4, route: 'long' });
    expect(pool.advice()).toMatchObject({ action: 'grow', seats: 5 });
  });

  it('none where something else than its size keeps the pool small', () => {
    const pool = new MadeUpPool(16);
    pool.serve(100, { heldMs: 10, inFlight: 1 });
    pool.limit = 8;
    pool.serve(300, { heldMs: 10, waitMs: 9, inFlight: 8 });
    expect(pool.advice()).toMatchObject({ action: 'leave', reason: 'limit_lowered', seats: 8 });
  });

  it('property: grows only a full pool that waits, by a step, and never says less than two or more than was seen', () => {
    const phase = fc.record({
      requests: fc.nat(200),
      heldMs: fc.double({ min: 0.1, max: 500, noNaN: true }),
      waitMs: fc.double({ min: 0, max: 500, noNaN: true }),
      inFlight: fc.integer({ min: 1, max: 64 }),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.array(phase, { maxLength: 6 }), (limit, phases) => {
        const pool = new MadeUpPool(limit);
        for (const { inFlight, ...use } of phases) {
          // Nobody waits while a seat is free.
          const waitMs = inFlight < limit ? 0 : use.waitMs;
          pool.serve(use.requests, { ...use, waitMs, inFlight: Math.min(inFlight, limit) });
        }
        const { action, seats } = pool.advice();
        if (action === 'leave') expect(seats).toBe(limit);
        if (action === 'shrink') expect(seats).toBeLessThan(limit);
        if (action === 'shrink') expect(seats).toBeGreaterThanOrEqual(2);
        if (action !== 'grow') return;
        expect(seats).toBeLessThanOrEqual(limit + Math.max(1, limit / 4));
        expect(phases.some(({ inFlight, waitMs }) => inFlight >= limit && waitMs > 0)).toBe(true);
      }),
    );
  });
});
