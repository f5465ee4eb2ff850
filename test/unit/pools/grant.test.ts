import { describe, expect, it } from 'vitest';
import { Grant } from '../../../src/pools/grant.js';

const make = (max: number): Grant => new Grant(max, () => 0);

describe('the grant of a pool', () => {
  it('is its maximum until something is refused', () => {
    const grant = make(4);
    expect([grant.granted, grant.room(0, 0), grant.room(0, 3), grant.room(0, 4)]).toEqual([4, 4, 1, 0]);
  });

  it('falls to what there is, and asks for one more ever more rarely', () => {
    const grant = make(8);
    const waits: number[] = [];
    let nowMs = 0;
    for (let i = 0; i < 7; i += 1) {
      grant.refused(nowMs, 3);
      expect(grant.granted).toBe(3);
      expect([grant.room(nowMs, 3), grant.room(grant.growAtMs - 1, 3), grant.room(grant.growAtMs, 3)]).toEqual([
        0, 0, 1,
      ]);
      waits.push(grant.growAtMs - nowMs);
      nowMs = grant.growAtMs;
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
  });

  it('shortens each wait by up to a half', () => {
    const grant = new Grant(4, () => 0.999);
    grant.refused(0, 2);
    expect(grant.growAtMs).toBeCloseTo(250, 0);
  });

  it('takes attempts that were refused side by side for one', () => {
    const grant = make(8);
    grant.refused(0, 3);
    grant.refused(1, 3);
    grant.refused(2, 2);
    expect([grant.granted, grant.growAtMs]).toEqual([2, 500]);
  });

  it('refills freely what it was granted, but no more', () => {
    const grant = make(8);
    grant.refused(0, 3);
    expect([grant.room(1, 1), grant.room(1, 3)]).toEqual([2, 0]);
  });

  it('rises one by one with what is opened after all, and waits anew when refused again', () => {
    const grant = make(5);
    grant.refused(0, 2);
    grant.refused(500, 2);
    grant.opened(3);
    expect([grant.granted, grant.room(501, 3)]).toEqual([3, 1]);
    grant.opened(4);
    grant.refused(502, 4);
    expect([grant.granted, grant.growAtMs]).toEqual([4, 1_002]);
    grant.opened(5);
    expect([grant.granted, grant.room(503, 2)]).toEqual([5, 3]);
  });

  it('never falls below one', () => {
    const grant = make(5);
    grant.refused(0, 0);
    expect([grant.granted, grant.room(1, 0)]).toEqual([1, 1]);
  });
});
