import { expect, test } from 'vitest';
import { operationOf } from '../../../src/telemetry/operation.js';

const MILLION = 1_000_000;

test.each([
  ['SELECT 1', 'SELECT'],
  [' (select 1) UNION (SELECT 2)', 'SELECT'],
  ['/* hi */ insert into a values (1)', 'INSERT'],
  ['-- who asks\n/* and why */\n  UPDATE a SET b = 1', 'UPDATE'],
  ['/* a * and a / */delete from a', 'DELETE'],
  ['/* never ends', 'OTHER'],
  ['alice', 'OTHER'],
  ['', 'OTHER'],
  ['( /* why */ ( -- and how\n select 1))', 'SELECT'],
  ['/* a /* b */ c */ insert into a values (1)', 'INSERT'],
  ['/* a /* b */ select 1', 'OTHER'],
])('tells %.40s by its first word', (text, operation) => {
  expect(operationOf(text, 'postgresql')).toBe(operation);
});

test.each([
  ['/* a /* b */ insert into a values (1)', 'INSERT'],
  ['/* a /*/ delete from a', 'DELETE'],
  ['/* a /* b */ c */ select 1', 'OTHER'],
])('tells %s by its first word on MySQL, where comments do not nest', (text, operation) => {
  expect(operationOf(text, 'mysql')).toBe(operation);
});

test('goes once through what a statement begins with, however long that is', () => {
  for (const noise of [
    `/*${'x'.repeat(10 * MILLION)}*/`,
    '/**/'.repeat(MILLION / 4),
    '-- x\n'.repeat(MILLION / 5),
    ' '.repeat(MILLION),
  ]) {
    expect(operationOf(`${noise}select 1`, 'postgresql')).toBe('SELECT');
  }
  for (const never of ['/*'.repeat(MILLION), '/*/'.repeat(MILLION), '('.repeat(MILLION), 'x'.repeat(MILLION)]) {
    expect(operationOf(never, 'postgresql')).toBe('OTHER');
  }
});
