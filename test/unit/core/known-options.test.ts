import { expect, it } from 'vitest';
import { checkKnownOptions } from '../../../src/core/known-options.js';

const check = (options: unknown) => () => checkKnownOptions('rotate()', options, ['expel', 'withinMs']);

it.each([undefined, {}, { expel: true }, { expel: undefined, withinMs: 3 }])('takes %j', (options) => {
  expect(check(options)).not.toThrow();
});

it.each([
  [{ expell: true }, '"expell" is no option of rotate(): use "expel"'],
  [{ within: 100 }, '"within" is no option of rotate(): use "withinMs"'],
  [{ zzzzzzzz: 1 }, '"zzzzzzzz" is no option of rotate(): use "expel", "withinMs"'],
  [5, 'the options of rotate() are 5: give an object, or leave them out'],
  [null, 'the options of rotate() are null: give an object, or leave them out'],
])('refuses %j, and says what was meant', (options, message) => {
  expect(check(options)).toThrow(new TypeError(message));
});
