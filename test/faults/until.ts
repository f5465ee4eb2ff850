import { setTimeout as delay } from 'node:timers/promises';

/**
 * Looks once a millisecond whether something is so: the shop shares this event loop, and would be slower for more.
 *
 * @throws Error naming the condition when it is not so within 10 s.
 */
export async function until(condition: () => boolean): Promise<void> {
  const giveUpAtMs = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > giveUpAtMs) throw new Error(`not within 10 s: ${condition}`);
    await delay(1);
  }
}
