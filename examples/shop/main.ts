import { Shutdown } from './shutdown.js';

/** Statements are cancelled and answers given within this time, unless the database does not answer any more. */
const HURRY_MS = 2_000;

// Signals are heard before anything else is loaded, so that even an end during the start is a clean one.
const shutdown = new Shutdown();
shutdown.listen();
shutdown.hurried.addEventListener('abort', () => {
  setTimeout(() => process.exit(shutdown.exitCode), HURRY_MS).unref();
});
try {
  const { runShop } = await import('./run.js');
  process.exit(await runShop(shutdown));
} catch (error) {
  // The modules are many files, and Node reads them all at once.
  if (!(error instanceof Error && 'code' in error && error.code === 'EMFILE')) throw error;
  console.error(
    'this process may open too few file descriptors even to start: raise "ulimit -n" (LimitNOFILE of a service) to at least 1024',
  );
  process.exit(1);
}
