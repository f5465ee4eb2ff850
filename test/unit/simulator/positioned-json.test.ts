import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonSyntaxError, parsePositionedJson } from '../../../src/simulator/positioned-json.js';

describe('parsePositionedJson', () => {
  it('reads whatever JSON writes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 0, max: 3 }), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        expect(parsePositionedJson(text).value).toEqual(JSON.parse(text));
      }),
    );
  });

  it('knows where every part stands, and where a missing one should', () => {
    const { positionOf, keyPositionOf } = parsePositionedJson('{\n  "a": [1,\n    {"b": true}],\n  "c": null }');
    expect(positionOf([])).toEqual({ line: 1, column: 1 });
    expect(positionOf(['a', 0])).toEqual({ line: 2, column: 9 });
    expect(positionOf(['a', 1, 'b'])).toEqual({ line: 3, column: 11 });
    expect(positionOf(['a', 1, 'missing', 'deeper'])).toEqual({ line: 3, column: 5 });
    expect(keyPositionOf([], 'c')).toEqual({ line: 4, column: 3 });
    expect(keyPositionOf([], 'absent')).toEqual({ line: 1, column: 1 });
  });

  it.each<[text: string, message: RegExp, line: number, column: number]>([
    ['', /ends where a value/, 1, 1],
    ['{"a": 1,}', /key in double quotes/, 1, 9],
    ['{\n "a": 1\n "b": 2}', /expected "," or "}"/, 3, 2],
    ['{"a" 1}', /expected ":" after the key "a"/, 1, 6],
    ['[1, 2', /expected "," or "]"/, 1, 6],
    ['[1, undefined]', /expected a value instead of "undefined"/, 1, 5],
    ['[01]', /expected a value instead of "01"/, 1, 2],
    ['["a]', /closing quote/, 1, 2],
    ['["\\x"]', /escape/, 1, 2],
    ['{} {}', /the text goes on/, 1, 4],
    ['{"a": 1, "a": 2}', /"a" is there twice/, 1, 10],
    ['// no\n{}', /expected a value/, 1, 1],
    ['['.repeat(200), /nested more than 100 deep/, 1, 102],
  ])('says what is wrong with %j, and where', (text, message, line, column) => {
    const error = ((): unknown => {
      try {
        return parsePositionedJson(text);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(JsonSyntaxError);
    expect(error).toMatchObject({ message: expect.stringMatching(message), position: { line, column } });
  });

  it('makes a plain member of __proto__, and takes a byte order mark', () => {
    const { value } = parsePositionedJson('\ufeff{"__proto__": {"polluted": true}}');
    expect(Object.hasOwn(value as object, '__proto__')).toBe(true);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});
