import { describe, expect, it } from 'vitest';
import { SignsOfLife } from '../../../src/pools/signs-of-life.js';
import { VirtualClock } from './virtual-clock.js';

/** A session that the server would end after 30 s of silence, so that a sign is due every 10 s. */
function make() {
  const clock = new VirtualClock();
  const wire = { sent: 0 };
  const line = { quiet: true };
  const given: { answer: () => void }[] = [];
  const silences: Error[] = [];
  const life = new SignsOfLife({
    clock,
    waitTimeoutMs: 30_000,
    wire,
    line,
    give: () => new Promise<void>((resolve) => given.push({ answer: resolve })),
    onSilent: (error) => silences.push(error),
  });
  return { clock, wire, line, given, silences, life };
}

describe('signs of life', () => {
  it('are given by who has sent nothing for a third of what the server bears', () => {
    const { clock, wire, given } = make();
    wire.sent = 1;
    clock.advance(10_000);
    expect(given).toHaveLength(0);
    clock.advance(9_999);
    expect(given).toHaveLength(0);
    clock.advance(1);
    expect(given).toHaveLength(1);
  });

  it('are not given while a statement runs: the server waits for nobody then', () => {
    const { clock, line, given } = make();
    line.quiet = false;
    clock.advance(20_000);
    expect(given).toHaveLength(0);
    line.quiet = true;
    clock.advance(10_000);
    expect(given).toHaveLength(1);
  });

  it('tell of a silent server after five seconds, and not of one that answers', async () => {
    const { clock, given, silences } = make();
    clock.advance(14_999);
    expect(silences).toEqual([]);
    clock.advance(1);
    expect(silences.map(({ message }) => message)).toEqual(['the database did not answer in time']);
    clock.advance(5_000);
    given[1]?.answer();
    await Promise.resolve();
    await Promise.resolve();
    clock.advance(9_000);
    expect(silences).toHaveLength(1);
  });

  it('end with the session', () => {
    const { clock, given, life } = make();
    life.stop();
    expect(clock.armed).toBe(0);
    clock.advance(100_000);
    expect(given).toHaveLength(0);
  });
});
