import type { Clock } from '../clock.js';

/** Resolves after `ms`, or as soon as one of the signals is aborted. It does not keep the process alive. */
export function sleep(clock: Clock, ms: number, ...signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      for (const signal of signals) signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.after(ms, end);
    for (const signal of signals) signal.addEventListener('abort', end, { once: true });
    if (signals.some(({ aborted }) => aborted)) end();
  });
}
