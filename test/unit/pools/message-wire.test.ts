import { describe, expect, it } from 'vitest';
import { answered } from '../../../src/pools/statement-wire.js';
import { ScriptedWire } from './scripted-wire.js';

function make() {
  const wire = new ScriptedWire();
  const send = (text: string) => answered((answer) => wire.send(text, undefined, answer));
  return { wire, send };
}

const ENDED = new Error('the session has ended');

describe('the messages of a session', () => {
  it('takes no late answer to one for the answer to the next', async () => {
    const { wire, send } = make();
    const before = send('before');
    wire.answer();
    await before;
    const next = send('next');
    wire.answers[0]?.(new Error('of the message before'));
    expect(wire.sending).toBe(true);
    wire.answer();
    await expect(next).resolves.toMatchObject({ command: 'SELECT' });
  });

  it('is answered once: with what the server said of it, should the session end', async () => {
    const { wire, send } = make();
    const statement = send('SELECT 1');
    wire.failure = new Error('as the server said');
    wire.fail(ENDED);
    wire.answer();
    await expect(statement).rejects.toBe(wire.failure);
    expect(wire.sending).toBe(false);
  });

  it('answers whatever is still to be sent after the end, and sends it not', async () => {
    const { wire, send } = make();
    wire.fail(ENDED);
    wire.fail(new Error('a second end'));
    await expect(send('SELECT 1')).rejects.toBe(ENDED);
    expect(wire.texts).toEqual([]);
  });

  it('counts bytes from one message to the next, and messages from the start', () => {
    const { wire, send } = make();
    void send('first');
    expect([wire.receive(10), wire.receive(5)]).toEqual([10, 15]);
    wire.answer();
    expect(wire.receive(1)).toBe(16);
    void send('second');
    expect(wire.receive(7)).toBe(7);
    expect(wire.sent).toBe(2);
  });

  it('tells whoever waits for the end of a message after its sender, and at once where none is under way', () => {
    const { wire } = make();
    const told: string[] = [];
    wire.whenComplete(() => told.push('at once'));
    wire.send('SELECT 1', undefined, () => told.push('sender'));
    wire.whenComplete(() => told.push('first'));
    wire.whenComplete(() => told.push('second'));
    wire.answer();
    expect(told).toEqual(['at once', 'sender', 'first', 'second']);
  });
});
