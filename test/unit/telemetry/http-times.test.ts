import { expect, test } from 'vitest';
import { HttpTimes, knownMethod } from '../../../src/telemetry/http-times.js';

const counts = (times: HttpTimes): unknown[] =>
  Array.from(times, ({ method, status, times: durations }) => [method, status, durations.count, durations.sumMs]);

test('counts by method and status', () => {
  const times = new HttpTimes();
  times.observe('GET', 200, 5);
  times.observe('POST', 503, 1);
  times.observe('GET', 200, 7);
  times.observe('GET', 404, 2);
  expect(counts(times)).toEqual([
    ['GET', 200, 2, 12],
    ['GET', 404, 1, 2],
    ['POST', 503, 1, 1],
  ]);
});

test('is bounded, whatever clients and handlers send', () => {
  const times = new HttpTimes();
  for (let count = 0; count < 5_000; count += 1) times.observe(knownMethod(`M${count}`), count - 1_000.5, 1);
  for (let status = -1_000; status < 5_000; status += 1) times.observe(knownMethod('GET'), status, 1);
  times.observe(knownMethod('FOO'), 200, 1);
  expect(counts(times)).toHaveLength(501);
  expect([knownMethod('get'), knownMethod(undefined), knownMethod('PATCH')]).toEqual(['_OTHER', '_OTHER', 'PATCH']);
});
