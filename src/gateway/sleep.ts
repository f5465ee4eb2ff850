import type { Clock } from '../clock.js';
import { onAbort } from './on-abort.js';

/** Resolves after `ms`, or as soon as one of the signals is aborted. It does not keep the process alive. */
export function sleep(clock: Clock, ms: number, ...signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      for (const leave of unheard) leave();
      resolve();
    };
    const timer = clock.after(ms, end);
    const unheard = signals.map((signal) => onAbort(signal, end));
    if (signals.some(({ aborted }) => aborted)) end();
  });
}
