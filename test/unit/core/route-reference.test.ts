import { expect, it } from 'vitest';
import { RouteReference } from '../../../src/core/route-reference.js';

it('is worth what is usual, until it is known what is quiet', () => {
  const reference = new RouteReference();
  for (let request = 0; request < 7; request++) reference.record(80, false);
  reference.settle();
  expect(reference.workMs).toBeUndefined();
  reference.record(80, false);
  expect(reference.workMs).toBe(80);
  for (let request = 0; request < 16; request++) reference.record(20, true);
  expect(reference.quietMs).toBe(20);
  expect(reference.workMs).toBe(80);
  reference.settle();
  expect(reference.workMs).toBe(20);
});

it('forgets a start that was slower than anything after it', () => {
  const reference = new RouteReference();
  for (let request = 0; request < 8; request++) reference.record(1_000, false);
  for (let request = 0; request < 300; request++) reference.record(10, false);
  expect(reference.workMs).toBe(1_000);
  reference.settle();
  expect(reference.workMs).toBeLessThan(11);
});

it('is never worth nothing', () => {
  const reference = new RouteReference();
  for (let request = 0; request < 16; request++) reference.record(0, true);
  reference.settle();
  expect(reference.workMs).toBe(0.01);
});
