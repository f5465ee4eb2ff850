import { expect, it } from 'vitest';
import { TextMemo } from '../../../src/core/text-memo.js';

function counted(): { readonly memo: TextMemo<number>; readonly read: string[] } {
  const read: string[] = [];
  const memo = new TextMemo((text) => {
    read.push(text);
    return text.length;
  });
  return { memo, read };
}

it('reads a text once, also where it reads nothing much', () => {
  const { memo, read } = counted();
  expect([memo.of('SELECT 1'), memo.of(''), memo.of('SELECT 1'), memo.of('')]).toEqual([8, 0, 8, 0]);
  expect(read).toEqual(['SELECT 1', '']);
});

it('keeps neither endless nor endlessly many texts', () => {
  const { memo, read } = counted();
  const long = 'x'.repeat(4_097);
  memo.of(long);
  memo.of(long);
  expect(read).toHaveLength(2);
  for (let i = 0; i < 512; i += 1) memo.of(`SELECT ${i}`);
  memo.of('SELECT 0');
  expect(read).toHaveLength(514);
  memo.of('one more');
  memo.of('SELECT 0');
  expect(read).toHaveLength(516);
});
