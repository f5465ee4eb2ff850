// As many workers as the machine has cores, on one port and one PostgreSQL, whose connections they divide without Redis:
//   npm run build && node dist/examples/cluster/main.js
// Kill one of them: another takes its place, and the others serve meanwhile. DATABASE_URL, PORT and WORKERS may be set.
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '../support/postgres-server.js';
import { Workers } from './workers.js';

const asked = new Promise<void>((resolve) => {
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => resolve());
});

process.exitCode = await run();

async function run(): Promise<number> {
  const own = process.env.DATABASE_URL ? undefined : await startPostgres({ settings: { fsync: 'off' } });
  const port = process.env.PORT || '3000';
  try {
    const workers = new Workers({
      file: fileURLToPath(new URL('worker.js', import.meta.url)),
      count: Number(process.env.WORKERS) || Math.max(2, availableParallelism()),
      env: { DATABASE_URL: own?.url ?? process.env.DATABASE_URL ?? '', PORT: port },
      log: (line) => console.log(line),
    });
    await workers.start();
    console.log(`listening on http://127.0.0.1:${port}`);
    await asked;
    await workers.end();
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  } finally {
    await own?.close();
  }
}
