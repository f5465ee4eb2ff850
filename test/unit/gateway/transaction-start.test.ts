import { describe, expect, it } from 'vitest';
import { TransactionStart } from '../../../src/gateway/transaction-start.js';
import type { Connection, QueryResult } from '../../../src/pools/contract.js';

const RESULT: QueryResult<never> = { rows: [], rowCount: 0, command: 'SELECT' };

/** A connection that notes what it is asked, and answers what opens a transaction when the test says so. */
class Asked {
  readonly calls: string[] = [];
  inTransaction = false;
  answer: (error?: Error) => void = () => expect.unreachable();
  readonly #together: boolean;

  constructor(together: boolean) {
    this.#together = together;
  }

  #opens<T>(call: string, value: T): Promise<T> {
    this.calls.push(call);
    return new Promise((resolve, reject) => {
      this.answer = (error) => (error === undefined ? resolve(value) : reject(error));
    });
  }

  beginWith(text: string): Promise<QueryResult<never>> | undefined {
    return this.#together ? this.#opens(`begin with ${text}`, RESULT) : undefined;
  }

  begin(): Promise<void> {
    return this.#opens('begin', undefined);
  }

  query(text: string): Promise<QueryResult<never>> {
    this.calls.push(text);
    return Promise.resolve(RESULT);
  }
}

function started(together: boolean) {
  const asked = new Asked(together);
  const seen = { open: 0 };
  const start = new TransactionStart(asked as unknown as Connection, {}, () => {
    seen.open += 1;
  });
  return { asked, start, seen, ask: (text: string) => start.query(text, [1], 100) };
}

const failure = new Error('no');

describe.each([
  [true, 'begin with a', ['begin with a', 'b']],
  [false, 'begin', ['begin', 'a', 'b']],
])('the start of a transaction, together with its first statement: %s', (together, first, all) => {
  it('sends no other statement before it is open', async () => {
    const { asked, ask, seen } = started(together);
    const answers = Promise.all([ask('a'), ask('b')]);
    await Promise.resolve();
    expect(asked.calls).toEqual([first]);
    asked.answer();
    await answers;
    expect(asked.calls).toEqual(all);
    expect(seen.open).toBe(1);
  });

  it('refuses every other statement where it could not be opened', async () => {
    const { asked, ask, seen } = started(together);
    const answers = Promise.allSettled([ask('a'), ask('b')]);
    asked.answer(failure);
    const refused = { status: 'rejected', reason: failure };
    expect(await answers).toEqual([refused, refused]);
    await expect(ask('c')).rejects.toBe(failure);
    expect(asked.calls).toEqual([first]);
    expect(seen.open).toBe(0);
  });
});

it('is open although its first statement has failed in it', async () => {
  const { asked, ask, seen } = started(true);
  const answer = ask('a');
  asked.inTransaction = true;
  asked.answer(failure);
  await expect(answer).rejects.toBe(failure);
  await ask('b');
  expect(asked.calls).toEqual(['begin with a', 'b']);
  expect(seen.open).toBe(1);
});

it('has not begun before a statement', async () => {
  const { start, ask, asked } = started(true);
  expect(start.begun).toBe(false);
  const answer = ask('a');
  expect(start.begun).toBe(true);
  asked.answer();
  await answer;
});
