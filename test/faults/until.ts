import { setTimeout as delay } from 'node:timers/promises';

/**
 * Looks once a millisecond whether something is so: the shop shares this event loop, and would be slower for more.
 *
 * @throws Error naming the condition when it is not so within `limitMs`, by default 60 s.
 */
export async function until(condition: () => boolean | Promise<boolean>, limitMs = 60_000): Promise<void> {
  const giveUpAtMs = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > giveUpAtMs) throw new Error(`not within ${limitMs} ms: ${condition}`);
    await delay(1);
  }
}

/** Lets time pass that is the fault itself: how long something stays away. */
export async function lasts(ms: number): Promise<void> {
  await delay(ms);
}
