import fc from 'fast-check';
import pg from 'pg';
import { expect, it } from 'vitest';
import { boundMessage, plainMessage } from '../../../src/pools/pg-frames.js';

/** What the driver itself would write. */
function driversMessage(text: string, values?: unknown[]): Buffer {
  const pieces: Buffer[] = [];
  const stream = { writable: true, write: (piece: Buffer) => pieces.push(piece) };
  new pg.Query(text, values).submit(new pg.Connection({ stream: stream as never }));
  return Buffer.concat(pieces);
}

const value = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.bigInt(),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.array(fc.oneof(fc.string(), fc.constant(null))),
  fc.dictionary(fc.string(), fc.integer()),
  fc.constantFrom(null, undefined),
);

it('writes what the driver writes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.array(value, { minLength: 1 }), (text, values) => {
      expect(boundMessage(text, values)).toEqual(driversMessage(text, values));
    }),
  );
});

it('writes texts without parameters as the driver does', () => {
  const text = fc.oneof(fc.constantFrom('BEGIN', 'COMMIT'), fc.string({ unit: 'grapheme' }));
  fc.assert(
    fc.property(text, (plain) => {
      expect(plainMessage(plain)).toEqual(driversMessage(plain));
    }),
  );
});

it('counts parameters as far as the protocol can', () => {
  const most = Array.from({ length: 65_535 }, () => 1);
  expect(boundMessage('SELECT 1', most)).toEqual(driversMessage('SELECT 1', most));
  expect(() => boundMessage('SELECT 1', [...most, 1])).toThrow(/has 65536 parameters: the server takes 65535 at most/);
});
