import { expect, test } from 'vitest';
import { SluiceError } from '../../../src/errors.js';
import { LastRefusals } from '../../../src/telemetry/last-refusals.js';

const refusal = (detail: string) =>
  ({ code: 'queue_full', status: 503, outcome: 'not_started', detail, measured: { queued: 3 } }) as const;

test('keeps the newest, newest first, and no more than it may', () => {
  const last = new LastRefusals(3);
  expect(last.list()).toEqual([]);
  for (let count = 1; count <= 7; count += 1) {
    last.add(count, refusal(`number ${count}`));
    const texts = last.list().map(({ detail }) => detail);
    const newest = Array.from({ length: Math.min(3, count) }, (_, index) => `number ${count - index}`);
    expect(texts).toEqual(newest);
  }
  expect(last.list()[0]).toEqual({ ...refusal('number 7'), atMs: 7 });
});

test('does not hold on to an error and its cause', () => {
  const last = new LastRefusals();
  const error = new SluiceError({ ...refusal('lost'), cause: new Error('with a secret') });
  last.add(5, error);
  const [kept] = last.list();
  expect(kept).not.toBe(error);
  expect(kept).toEqual({ ...refusal('lost'), atMs: 5 });
  expect(Object.keys(kept ?? {})).not.toContain('cause');
});
