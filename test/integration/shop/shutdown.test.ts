import { describe, expect, it } from 'vitest';
import { Shutdown } from '../../../examples/shop/shutdown.js';

describe('the wish to end', () => {
  it('is told once, also to those who ask later', async () => {
    const shutdown = new Shutdown();
    const before = shutdown.asked;
    shutdown.ask(0, 'SIGTERM');
    await before;
    await shutdown.asked;
    expect(shutdown.signal.aborted).toBe(true);
  });

  const rows: [title: string, asksAtMs: number[], exitCode: number][] = [
    ['one signal', [0], 0],
    ['one Ctrl-C that the terminal and npm both pass on', [0, 3], 0],
    ['a second one, on purpose', [0, 1_500], 130],
    ['a third one that comes for nothing', [0, 1_500, 3_000], 130],
    ['a process that was busy for long before the first', [10_000, 10_001], 0],
  ];
  it.each(rows)('%s', (_title, asksAtMs, exitCode) => {
    const shutdown = new Shutdown();
    for (const nowMs of asksAtMs) shutdown.ask(nowMs, 'SIGINT');
    expect([shutdown.hurried.aborted, shutdown.exitCode]).toEqual([exitCode !== 0, exitCode]);
  });

  it('in a hurry ends with the code of the signal that came last', () => {
    const shutdown = new Shutdown();
    shutdown.ask(0, 'SIGINT');
    shutdown.ask(1_000, 'SIGTERM');
    expect(shutdown.exitCode).toBe(143);
  });
});
