import { describe, expect, it } from 'vitest';
import { PoolModel } from './pool-model.js';

describe('a crowd that falls due at one instant', () => {
  const CROWD = 50_000;

  function crowd(): PoolModel {
    const model = new PoolModel(1, { narrow: { deadlineMs: 5_000, maxQueued: CROWD } });
    model.request('narrow', 60_000);
    for (let joined = 0; joined < CROWD; joined++) model.request('narrow', 1);
    expect(model.gate.bulkhead.queued).toBe(CROWD);
    model.refusalCostMs = 0.02;
    model.clock.forgetTurns();
    return model;
  }

  it('is shed in turns, with input in between', () => {
    const model = crowd();
    let heardAtMs: number | undefined;
    // A second of refusals lies ahead when this arrives.
    model.clock.input(5_001, () => {
      heardAtMs = model.clock.nowMs();
    });
    model.clock.runUntil(10_000);
    expect(model.stats('narrow').shed).toBe(CROWD);
    expect(model.clock.longestTurnMs).toBeLessThan(10);
    expect(heardAtMs).toBeLessThan(5_015);
  });

  it('is given up in turns when the server stays away', () => {
    const model = crowd();
    model.gate.down(model.clock.nowMs());
    model.clock.runUntil(4_900);
    expect(model.stats('narrow').shedByCode.database_unavailable).toBe(CROWD);
    expect(model.clock.longestTurnMs).toBeLessThan(20);
  });
});

describe('a stalled event loop', () => {
  it('what arrived meanwhile is handled before deadlines are judged', () => {
    const model = new PoolModel(1, { work: { deadlineMs: 300 } });
    const trace = model.request('work', 200);
    model.clock.input(100, () => model.clock.spend(400));
    model.clock.runUntil(1_000);
    // The answer of the database was there after 200 ms; only nobody looked.
    expect(trace).toMatchObject({ answeredAtMs: 500 });
    expect(trace.expiredAtMs).toBeUndefined();
    expect(model.stats('work').outcomes).toMatchObject({ succeeded: 1, expired: 0 });
  });

  it('what did not arrive is over, right after', () => {
    const model = new PoolModel(1, { work: { deadlineMs: 300 } });
    const trace = model.request('work', 5_000);
    model.clock.input(100, () => model.clock.spend(400));
    model.clock.runUntil(1_000);
    expect(trace.expiredAtMs).toBe(500);
  });

  it('counts against the deadline of a request that waited unseen, by half: it came at some instant of it', () => {
    const model = new PoolModel(1, { work: { deadlineMs: 300 } });
    const traces: ReturnType<PoolModel['request']>[] = [];
    model.clock.runUntil(1_000);
    model.clock.input(0, () => model.clock.spend(200));
    model.clock.input(100, () => traces.push(model.request('work', 5_000)));
    model.clock.runUntil(1_250);
    model.clock.input(500, () => traces.push(model.request('work', 5_000)));
    model.clock.runUntil(3_000);
    const [during, later] = traces;
    expect(during?.arrivedAtMs).toBe(1_200);
    expect(during?.expiredAtMs).toBeGreaterThanOrEqual(1_400);
    expect(during?.expiredAtMs).toBeLessThan(1_420);
    expect(later?.expiredAtMs).toBe(2_050);
  });

  it('does not make short work look long', () => {
    const model = new PoolModel(1, { work: { deadlineMs: 2_000 } });
    for (let round = 0; round < 40; round++) {
      model.request('work', 30);
      model.clock.input(10, () => model.clock.spend(500));
      model.clock.runUntil(model.clock.nowMs() + 1_000);
    }
    expect(model.stats('work').outcomes.succeeded).toBe(40);
    // Each answer was seen after 510 ms; the timer that notices the stall is itself up to 20 ms off.
    expect(model.p90Ms('work')).toBeGreaterThan(15);
    expect(model.p90Ms('work')).toBeLessThan(60);
  });
});
