import { expect, it } from 'vitest';
import { Calm } from '../../../src/core/calm.js';

it('lasts since half of the seats were last in use', () => {
  const calm = new Calm();
  expect(calm.lasted(0, 1_000)).toBe(true);
  calm.look(100, 7, 16);
  expect(calm.lasted(100, 100)).toBe(true);
  calm.look(200, 8, 16);
  expect(calm.lasted(300, 101)).toBe(false);
  expect(calm.lasted(300, 100)).toBe(true);
});

it('is not disturbed by one request, however few the seats', () => {
  const calm = new Calm();
  calm.look(100, 1, 1);
  expect(calm.lasted(200, 200)).toBe(true);
  calm.look(100, 2, 4);
  expect(calm.lasted(200, 200)).toBe(false);
});
