import type { Worker } from 'node:cluster';
import type { Refusal } from './messages.js';

/**
 * Resolves once a worker listens, or to the reason when it has ended before. What it says while it starts is held back
 * until then: of one that cannot start the reason is enough, and many that cannot would say the same at every attempt.
 */
export function startOf(worker: Worker): Promise<string | undefined> {
  const { stderr } = worker.process;
  let held = '';
  let refusal: string | undefined;
  const hold = (text: string): void => {
    held += text;
  };
  stderr?.setEncoding('utf8').on('data', hold);
  worker.on('message', (message: Partial<Refusal>) => {
    refusal ??= message.cannotStart;
  });
  return new Promise((resolve) => {
    worker.once('listening', () => {
      process.stderr.write(held);
      stderr?.off('data', hold).on('data', (text) => process.stderr.write(text));
      resolve(undefined);
    });
    // Unlike `exit`, it comes after all that the worker has said.
    worker.process.once('close', (code, signal) =>
      resolve(refusal ?? (held.trim() || `it ended by ${signal ?? code}`)),
    );
  });
}
