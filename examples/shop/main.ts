import { tooFewDescriptors } from './descriptors.js';
import { Shutdown } from './shutdown.js';

/** Statements are cancelled and answers given within this time, unless the database does not answer any more. */
const HURRY_MS = 2_000;

// Signals are heard before anything else is loaded, so that even an end during the start is a clean one.
const shutdown = new Shutdown();
shutdown.listen();
shutdown.hurried.addEventListener('abort', () => {
  setTimeout(() => process.exit(shutdown.exitCode), HURRY_MS).unref();
});
const hindrance = tooFewDescriptors();
if (hindrance !== undefined) {
  console.error(hindrance);
  process.exit(1);
}
const { runShop } = await import('./run.js');
process.exit(await runShop(shutdown));
