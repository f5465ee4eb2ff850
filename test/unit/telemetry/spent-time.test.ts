import { expect, it } from 'vitest';
import { SpentTime } from '../../../src/telemetry/spent-time.js';

it('adds up what is over and what is under way, side by side too', () => {
  const spent = new SpentTime();
  expect(spent.untilMs(1_000)).toBe(0);
  spent.begin(1_000);
  expect(spent.untilMs(1_030)).toBe(30);
  spent.begin(1_010);
  expect(spent.untilMs(1_030)).toBe(50);
  spent.end(1_000, 1_040);
  expect(spent.untilMs(1_050)).toBe(80);
  spent.end(1_010, 1_060);
  expect(spent.untilMs(9_999)).toBe(90);
});
