import { describe, expect, it } from 'vitest';
import { type Answer, ResponseReader } from '../../load/response-reader.js';

const good = 'HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{"orderId":1}';
const shed = 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 33\r\n\r\n{"title":"x","code":"queue_full"}';
const patient =
  'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\ncontent-length: 43\r\n\r\n' +
  '{"code":"queue_full","retry_after_ms":1234}';
const chunked =
  'HTTP/1.1 429 Too Many Requests\r\nTransfer-Encoding: chunked\r\n\r\n' +
  '9\r\n{"code": \r\n10\r\n"rate_limited"} \r\n0\r\n\r\n';
const empty = 'HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n';

function read(reader: ResponseReader, text: string, size: number): (Answer | undefined)[] {
  const answers: (Answer | undefined)[] = [];
  for (let at = 0; at < text.length; at += size) answers.push(reader.push(text.slice(at, at + size)));
  return answers;
}

describe('ResponseReader', () => {
  const rows: [string, string, Answer][] = [
    ['a good answer', good, { status: 201, code: '', keepAlive: true }],
    ['a refusal with its code', shed, { status: 503, code: 'queue_full', keepAlive: true }],
    [
      'a refusal that says when to come back',
      patient,
      { status: 503, code: 'queue_full', keepAlive: true, retryAfterSeconds: 2, retryAfterMs: 1_234 },
    ],
    ['an answer in chunks', chunked, { status: 429, code: 'rate_limited', keepAlive: true }],
    ['an answer without a body, the last of its connection', empty, { status: 204, code: '', keepAlive: false }],
    [
      'the real answer behind an interim one',
      `HTTP/1.1 100 Continue\r\n\r\n${good}`,
      { status: 201, code: '', keepAlive: true },
    ],
  ];

  for (const [name, text, answer] of rows) {
    it(`reads ${name}, at once and byte by byte, and then the next on the same connection`, () => {
      const reader = new ResponseReader();
      for (const size of [text.length, 1, 7]) {
        const answers = read(reader, text, size);
        expect(answers.at(-1)).toEqual(answer);
        expect(answers.slice(0, -1).every((earlier) => earlier === undefined)).toBe(true);
      }
    });
  }

  it('refuses what is no answer, has no framing, or is longer than announced', () => {
    expect(() => new ResponseReader().push('SSH-2.0-OpenSSH\r\n\r\n')).toThrow(/HTTP\/1.1/);
    expect(() => new ResponseReader().push('HTTP/1.1 200 OK\r\n\r\nhello')).toThrow(/neither a length nor chunks/);
    expect(() => new ResponseReader().push(`${good}?`)).toThrow(/more bytes/);
    expect(() => new ResponseReader().push('x'.repeat(70_000))).toThrow(/no end/);
  });
});
