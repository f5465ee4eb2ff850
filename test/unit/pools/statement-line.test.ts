import { describe, expect, it } from 'vitest';
import { PG_WORDS } from '../../../src/pools/pg-words.js';
import { ROLLBACK, type Terms } from '../../../src/pools/statement.js';
import { StatementLine } from '../../../src/pools/statement-line.js';
import { ScriptedWire } from './scripted-wire.js';

const STOPPED = Object.assign(new Error('canceling statement due to statement timeout'), { code: '57014' });

function make(): { readonly wire: ScriptedWire; readonly line: StatementLine } {
  const wire = new ScriptedWire();
  return { wire, line: new StatementLine(wire) };
}

const briefly = (limit: number | 'default', text: string): string | undefined =>
  text.startsWith('SELECT') ? `under ${limit}: ` : undefined;

const limitedBy = (limit: number | 'default') => ({ limit, leavesTrace: false, commits: false });

describe('the line of a session’s statements', () => {
  it('sets a limit again that the limit before has stopped', async () => {
    const { wire, line } = make();
    const first = line.submit('SELECT 1', undefined, limitedBy(100));
    wire.answer();
    wire.answer();
    await first;
    const second = line.submit('SELECT 2', undefined, limitedBy('default'));
    wire.answer(STOPPED);
    wire.answer(STOPPED);
    wire.answer();
    wire.answer();
    await second;
    const reset = 'RESET statement_timeout';
    expect(wire.texts).toEqual(['SET statement_timeout = 100', 'SELECT 1', reset, reset, reset, 'SELECT 2']);
  });

  it('says a limit in the statement where that can be, until so many want the same that the session takes it on', async () => {
    const wire = new ScriptedWire();
    const line = new StatementLine(wire, { ...PG_WORDS, limitBefore: (limit, text) => briefly(limit, text) });
    const wanted = [500, 5_000, 500, 5_000, 500, 500, 500, 500, 500, 5_000, 500] as const;
    for (const limit of wanted) {
      const statement = line.submit('SELECT 1', undefined, limitedBy(limit));
      while (wire.sending) wire.answer();
      await statement;
    }
    const [low, high] = ['under 500: SELECT 1', 'under 5000: SELECT 1'];
    expect(wire.texts).toEqual([
      ...[low, high, low, high, low, low, low],
      ...['SET statement_timeout = 500', 'SELECT 1', 'SELECT 1', high, 'SELECT 1'],
    ]);
    const begin = line.submit('BEGIN', undefined, limitedBy(200));
    while (wire.sending) wire.answer();
    await begin;
    expect(wire.texts.slice(-2)).toEqual(['SET statement_timeout = 200', 'BEGIN']);
  });

  it('lifts the limit for what ends a transaction, where that is to be said and there is one', async () => {
    const wire = new ScriptedWire();
    const line = new StatementLine(wire, { ...PG_WORDS, limitLifted: 'without limit: ' });
    const send = async (text: string, terms: Terms): Promise<void> => {
      const statement = line.submit(text, undefined, terms);
      while (wire.sending) wire.answer();
      await statement;
    };
    await send('BEGIN', limitedBy('default'));
    await send('ROLLBACK', ROLLBACK);
    await send('BEGIN', limitedBy(500));
    await send('UPDATE t', limitedBy(500));
    await send('ROLLBACK', ROLLBACK);
    await send('SELECT 1', limitedBy(500));
    expect(wire.texts).toEqual([
      ...['BEGIN', 'ROLLBACK', 'SET statement_timeout = 500', 'BEGIN', 'UPDATE t'],
      ...['without limit: ROLLBACK', 'SELECT 1'],
    ]);
  });

  it('gives up in the end, and tells why', async () => {
    const { wire, line } = make();
    const statement = line.submit('SELECT 1', undefined, limitedBy(100));
    for (let i = 0; i < 5; i += 1) wire.answer(STOPPED);
    await expect(statement).rejects.toBe(STOPPED);
    expect(wire.texts).toHaveLength(5);
  });

  it('sends nothing more once the session has ended, though the limit before has stopped the change', async () => {
    const { wire, line } = make();
    const statement = line.submit('SELECT 1', undefined, limitedBy(100));
    wire.failure = STOPPED;
    line.end(new Error('gone'));
    await expect(statement).rejects.toBe(STOPPED);
    expect(wire.texts).toEqual(['SET statement_timeout = 100']);
  });

  it('does not send a statement that was stopped meanwhile', async () => {
    const { wire, line } = make();
    const statement = line.submit('SELECT 1', undefined, limitedBy(100));
    expect(line.stopCurrent()).toBe(false);
    wire.answer();
    await expect(statement).rejects.toMatchObject({ code: '57014' });
    expect(wire.texts).toEqual(['SET statement_timeout = 100']);
  });

  it('sends a statement itself only once, though it was stopped at its limit', async () => {
    const { wire, line } = make();
    const statement = line.submit('SELECT 1', undefined, limitedBy(100));
    wire.answer();
    wire.answer(STOPPED);
    await expect(statement).rejects.toBe(STOPPED);
    expect(wire.texts).toEqual(['SET statement_timeout = 100', 'SELECT 1']);
  });
});
