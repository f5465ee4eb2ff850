import { expect, test } from 'vitest';
import { operationOf } from '../../../src/telemetry/operation.js';

test.each([
  ['SELECT 1', 'SELECT'],
  [' (select 1) UNION (SELECT 2)', 'SELECT'],
  ['/* hi */ insert into a values (1)', 'INSERT'],
  ['-- who asks\n/* and why */\n  UPDATE a SET b = 1', 'UPDATE'],
  ['/* a * and a / */delete from a', 'DELETE'],
  ['/* never ends', 'OTHER'],
  ['alice', 'OTHER'],
  ['', 'OTHER'],
  [`/* ${'x'.repeat(1_000_000)} */ SELECT 1`, 'OTHER'],
])('tells %.40s by its first word', (text, operation) => {
  expect(operationOf(text)).toBe(operation);
});
