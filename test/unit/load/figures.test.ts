import { describe, expect, it } from 'vitest';
import { Durations, percentile } from '../../load/latency.js';
import type { StreamPlan } from '../../load/plan.js';
import { seededRandom } from '../../load/random.js';
import { requestMaker } from '../../load/request-text.js';
import { Tally } from '../../load/tally.js';
import { compileTemplate } from '../../load/template.js';

const stream: StreamPlan = {
  name: 'checkout',
  method: 'POST',
  path: '/checkout',
  arrivals: { kind: 'poisson', ratePerSecond: 100 },
  deadlineMs: 500,
  unansweredAfterMs: 2_000,
};

describe('percentile', () => {
  const rows: [number[], number, number][] = [
    [[], 0.99, 0],
    [[7], 0.01, 7],
    [[1, 2, 3, 4], 0.5, 2],
    [[1, 2, 3, 4], 0.51, 3],
    [[1, 2, 3, 4], 1, 4],
  ];
  for (const [sorted, share, value] of rows) {
    it(`of [${sorted.join(', ')}] at ${share} is ${value}`, () => expect(percentile(sorted, share)).toBe(value));
  }
});

describe('Durations', () => {
  it('sorts by number, grows beyond its first size and sums up', () => {
    const durations = new Durations();
    for (let value = 3_000; value >= 1; value -= 1) durations.add(value);
    expect(durations.summary()).toEqual({
      count: 3_000,
      meanMs: 1_500.5,
      p50Ms: 1_500,
      p90Ms: 2_700,
      p99Ms: 2_970,
      maxMs: 3_000,
    });
  });
});

describe('Tally', () => {
  it('counts answers by when they came, missing ones by when they were due', () => {
    const tally = new Tally(stream, { fromMs: 1_000, toMs: 3_000 });
    for (const intendedMs of [900, 990, 1_000, 2_000, 2_100, 2_900, 2_999, 3_000]) tally.offered(intendedMs);
    tally.answered(900, 999, 201, ''); // too early to count
    tally.answered(990, 1_490, 201, ''); // in the window, exactly on its deadline
    tally.answered(1_000, 1_501, 201, ''); // late by 1 ms
    tally.answered(2_000, 2_010, 503, 'queue_full');
    tally.answered(2_100, 2_110, 502, '');
    tally.answered(2_900, 3_000, 201, ''); // offered inside, came after the end
    tally.unanswered(2_999, 5_000, 'timeout');
    tally.unanswered(3_000, 3_010, 'reset');

    const result = tally.result();
    expect(result).toMatchObject({
      offered: 5,
      offeredPerSecond: 2.5,
      completed: 4,
      completedPerSecond: 2,
      good: 1,
      goodPerSecond: 0.5,
      refused: 2,
      statuses: { 201: 2, 503: 1, 502: 1 },
      codes: { queue_full: 1, none: 1 },
      unanswered: 1,
      unansweredBy: { timeout: 1, reset: 0, refused: 0 },
    });
    expect(result.okLatency).toMatchObject({ count: 2, p50Ms: 500, maxMs: 501 });
    expect(result.refusedLatency).toMatchObject({ count: 2, maxMs: 10 });
    expect(result.events).toBeUndefined();
  });

  it('keeps every request of the whole run where asked', () => {
    const tally = new Tally({ ...stream, keepEvents: true }, { fromMs: 1_000, toMs: 3_000 });
    tally.answered(10, 35, 429, 'rate_limited', { retryAfterSeconds: 1, retryAfterMs: 130 });
    tally.unanswered(20, 520, 'timeout');
    expect(tally.result().events).toEqual({
      intendedMs: [10, 20],
      latencyMs: [25, 500],
      status: [429, 0],
      code: ['rate_limited', 'timeout'],
      retryAfterMs: [130, 0],
    });
  });
});

describe('compileTemplate', () => {
  it('fills every place within its range, both ends included', () => {
    const fill = compileTemplate('/p/{{int 1 3}}?x={{int 10 10}}!');
    const random = seededRandom(1);
    const seen = new Set(Array.from({ length: 200 }, () => fill(random)));
    expect([...seen].sort()).toEqual(['/p/1?x=10!', '/p/2?x=10!', '/p/3?x=10!']);
  });

  it('leaves plain text alone and refuses a range upside down', () => {
    expect(compileTemplate('/plain')(() => 0.5)).toBe('/plain');
    expect(() => compileTemplate('{{int 3 1}}')).toThrow(/second number/);
  });
});

describe('requestMaker', () => {
  it('announces the length of the body in bytes, not in characters', () => {
    const next = requestMaker({ ...stream, body: '{"note":"zażółć"}', headers: { 'X-A': 'b' } }, 3_000, 1);
    const [head, body] = next().split('\r\n\r\n');
    expect(head?.split('\r\n')).toEqual([
      'POST /checkout HTTP/1.1',
      'Host: 127.0.0.1:3000',
      'X-A: b',
      'Content-Type: application/json',
      'Content-Length: 21',
    ]);
    expect(Buffer.from(body ?? '', 'latin1').toString('utf8')).toBe('{"note":"zażółć"}');
  });

  it('makes the same requests for the same seed', () => {
    const make = (seed: number): string[] => {
      const next = requestMaker({ ...stream, method: 'GET', path: '/p/{{int 1 1000}}' }, 3_000, seed);
      return Array.from({ length: 20 }, next);
    };
    expect(make(4)).toEqual(make(4));
    expect(make(4)).not.toEqual(make(5));
  });
});
