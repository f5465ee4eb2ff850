import { Shutdown } from './shutdown.js';

// Signals are heard before anything else is loaded, so that even an end during the start is a clean one.
const shutdown = new Shutdown(() => process.exit(0));
shutdown.listen();
const { runShop } = await import('./run.js');
process.exit(await runShop(shutdown));
