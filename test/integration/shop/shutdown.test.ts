import { describe, expect, it } from 'vitest';
import { Shutdown } from '../../../examples/shop/shutdown.js';

describe('the wish to end', () => {
  it('is told once, also to those who ask later', async () => {
    const shutdown = new Shutdown(() => undefined);
    const before = shutdown.asked;
    shutdown.ask(0);
    await before;
    await shutdown.asked;
    expect(shutdown.signal.aborted).toBe(true);
  });

  const rows: [title: string, asksAtMs: number[], impatient: number][] = [
    ['one signal', [0], 0],
    ['one Ctrl-C that the terminal and npm both pass on', [0, 3], 0],
    ['a second one, on purpose', [0, 1_500], 1],
    ['a process that was busy for long before the first', [10_000, 10_001], 0],
  ];
  it.each(rows)('%s', (_title, asksAtMs, impatient) => {
    let calls = 0;
    const shutdown = new Shutdown(() => {
      calls += 1;
    });
    for (const nowMs of asksAtMs) shutdown.ask(nowMs);
    expect(calls).toBe(impatient);
  });
});
