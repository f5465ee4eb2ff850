import type { Clock, Timer } from '../../src/clock.js';

/** How long who was allowed to look may go on before that is asked again. */
const EVERY_MS = 15_000;

/**
 * Asks again and again whether somebody may still look, one question at a time: a stream lasts for hours, and the right
 * to it may be gone long before.
 *
 * @param mayLook - False and a rejection both mean no. It always answers.
 * @param onRefused - Called once, when the answer is no; nothing more is asked.
 * @returns What ends the questions.
 */
export function watchAccess(clock: Clock, mayLook: () => Promise<boolean>, onRefused: () => void): Timer {
  let timer: Timer;
  let over = false;
  const cancel = (): void => {
    over = true;
    timer.cancel();
  };
  const answer = (allowed: boolean): void => {
    if (over) return;
    if (allowed) return wait();
    over = true;
    onRefused();
  };
  const ask = (): void => {
    mayLook().then(answer, () => answer(false));
  };
  const wait = (): void => {
    timer = clock.after(EVERY_MS, ask);
  };
  wait();
  return { cancel };
}
