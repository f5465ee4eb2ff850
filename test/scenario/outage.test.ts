import { describe, expect, it } from 'vitest';
import { seededRandom } from '../load/random.js';
import { latencies, PoolModel, quantile } from './pool-model.js';

const RATE = 150;
const DEADLINE_MS = 3_000;
const END_MS = 20_000;
const DOWN_MS = 5_000;

/** 150 requests of 20 ms a second; the server is away from `DOWN_MS` for so long. */
function outage(awayMs: number): PoolModel {
  const model = new PoolModel(16, { work: { priority: 'critical', deadlineMs: DEADLINE_MS } });
  model.load('work', RATE, END_MS, seededRandom(1), () => 20);
  model.clock.runUntil(DOWN_MS);
  model.gate.down(DOWN_MS);
  model.clock.runUntil(DOWN_MS + awayMs);
  model.gate.up(DOWN_MS + awayMs);
  model.clock.runUntil(END_MS + DEADLINE_MS);
  return model;
}

describe('an outage of the server', () => {
  it.each([200, 1_000, 1_900])('of %d ms is waited out: nobody is refused, and all are answered in time', (awayMs) => {
    const model = outage(awayMs);
    expect(model.traces.filter(({ refusal }) => refusal !== undefined)).toEqual([]);
    expect(Math.max(...latencies(model.traces))).toBeLessThanOrEqual(DEADLINE_MS);
    // Whoever came after the backlog was served waited no longer than before the outage.
    const later = model.traces.filter(({ arrivedAtMs }) => arrivedAtMs > DOWN_MS + awayMs + 2_000);
    expect(quantile(latencies(later), 0.99)).toBeLessThan(50);
  });

  it('of 6 s is not: those that wait are given up after 2 s, later ones are told at once', () => {
    const model = outage(6_000);
    const refused = model.traces.filter(({ refusal }) => refusal !== undefined);
    expect(new Set(refused.map(({ refusal }) => refusal?.code))).toEqual(new Set(['database_unavailable']));
    for (const { arrivedAtMs, answeredAtMs } of refused) {
      const givenUpAtMs = DOWN_MS + 2_000;
      if (arrivedAtMs < givenUpAtMs) expect(answeredAtMs).toBeLessThanOrEqual(givenUpAtMs + 20);
      else expect(answeredAtMs).toBe(arrivedAtMs);
    }
    const later = model.traces.filter(({ arrivedAtMs }) => arrivedAtMs > DOWN_MS + 6_000);
    expect(later.length).toBeGreaterThan(1_000);
    expect(later.filter(({ refusal }) => refusal !== undefined)).toEqual([]);
  });

  it('refuses at once who cannot wait it out', () => {
    const model = new PoolModel(4, { brief: { deadlineMs: 500 }, patient: { deadlineMs: 5_000 } });
    for (let sample = 0; sample < 10; sample++) model.request('brief', 20);
    model.clock.runUntil(1_000);
    model.gate.down(1_000);
    // No longer taken for one session that ended.
    model.clock.runUntil(1_050);
    expect(model.request('brief', 20).refusal?.code).toBe('database_unavailable');
    expect(model.request('patient', 20).refusal).toBeUndefined();
    // Half a second before the end of the ride-out there is time again.
    model.clock.runUntil(2_700);
    expect(model.request('brief', 20).refusal).toBeUndefined();
    model.gate.up(2_800);
    model.clock.runUntil(4_000);
    expect(model.stats('brief').outcomes.succeeded).toBe(11);
  });
});
