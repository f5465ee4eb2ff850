import { CliError } from './command.js';

/** A file of options that connects somewhere before it exports has this long, in ms. */
const PATIENCE_MS = 10_000;

/**
 * Waits until a file has run, and until what it exports is there. One that waits for what never comes is told of: as soon as nothing is left in this process
 * that could end its wait, else after ten seconds.
 *
 * @throws {@link CliError} that names the file, and what it throws or rejects with.
 */
export async function settled<T>(path: string, running: Promise<T>): Promise<T> {
  let stop = (): void => undefined;
  const stuck = new Promise<never>((_, reject) => {
    const tell = (): void =>
      reject(
        new CliError(
          `${path} does not finish loading: an "await" at its top level, or a promise that it exports, never ends; let it export the options without waiting`,
        ),
      );
    // Gives the process something to do once more: it is about to end.
    const onIdle = (): unknown => setImmediate(tell);
    process.once('beforeExit', onIdle);
    // It must not itself be what is left.
    const timer = setTimeout(tell, PATIENCE_MS).unref();
    // A promise that it exports may fail before anybody can ask for it.
    process.once('unhandledRejection', reject);
    stop = () => {
      clearTimeout(timer);
      process.off('unhandledRejection', reject);
      process.off('beforeExit', onIdle);
    };
  });
  try {
    return await Promise.race([running, stuck]);
  } finally {
    stop();
  }
}
