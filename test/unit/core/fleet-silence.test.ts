import { expect, it } from 'vitest';
import { Silence } from '../../../src/core/fleet-silence.js';

/** Instants of the first so many seconds at which another connection is tried; nothing is answered. */
function attempts(silence: Silence, seconds: number, heardAtSeconds: readonly number[] = []): number[] {
  return Array.from({ length: seconds }, (_, second) => second).filter((second) => {
    if (heardAtSeconds.includes(second)) silence.heard(second * 1_000);
    return silence.tooLong(second * 1_000);
  });
}

it('tries another connection after some seconds, and then less and less often', () => {
  expect(attempts(new Silence(0), 120)).toEqual([2, 6, 14, 30, 60, 90]);
});

it('counts from the last answer, and is impatient again after one', () => {
  expect(attempts(new Silence(0), 20, [1, 5, 6, 10])).toEqual([3, 8, 12, 16]);
});

it('counts anew with a new connection, and stays as patient as it was', () => {
  const silence = new Silence(0);
  expect([silence.tooLong(1_999), silence.tooLong(2_000)]).toEqual([false, true]);
  silence.begins(5_000);
  expect([silence.tooLong(8_999), silence.tooLong(9_000)]).toEqual([false, true]);
});
