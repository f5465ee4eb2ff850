// As many workers as the machine has cores, on one port and one PostgreSQL, whose connections they divide without Redis:
//   npm run build && node dist/examples/cluster/main.js
// Kill one of them: another takes its place, and the others serve meanwhile. DATABASE_URL, PORT and WORKERS may be set.
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '../support/postgres-server.js';
import { Workers } from './workers.js';

/** Each of them is a process with pools of its own. */
const MOST_WORKERS = 256;
/** What a worker has for its end beyond the time that its drain may take. */
const MARGIN_MS = 5_000;

const asked = new Promise<false>((resolve) => {
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => resolve(false));
});

process.exitCode = await run();

async function run(): Promise<number> {
  const count = workerCount(process.env.WORKERS);
  if (count === undefined) {
    console.error(`WORKERS="${process.env.WORKERS}" must be a whole number from 1 to ${MOST_WORKERS}`);
    return 1;
  }
  const own = process.env.DATABASE_URL ? undefined : await startPostgres({ settings: { fsync: 'off' } });
  const port = process.env.PORT || '3000';
  try {
    const workers = new Workers({
      file: fileURLToPath(new URL('worker.js', import.meta.url)),
      count,
      env: { DATABASE_URL: own?.url ?? process.env.DATABASE_URL ?? '', PORT: port },
      log: (line) => console.log(line),
      endWithinMs: longestDrainMs() + MARGIN_MS,
    });
    if (await Promise.race([workers.start(), asked])) console.log(`listening on http://127.0.0.1:${port}`);
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

/** `undefined` for what is no number of workers. */
function workerCount(asked: string | undefined): number | undefined {
  const text = asked?.trim() ?? '';
  if (text === '') return Math.max(2, availableParallelism());
  return /^[1-9]\d{0,3}$/.test(text) && Number(text) <= MOST_WORKERS ? Number(text) : undefined;
}

function longestDrainMs(): number {
  const { SLUICE_DRAIN_TIMEOUT_MS: drain, SLUICE_READINESS_DELAY_MS: delay } = process.env;
  // 10 s is the default of `drainTimeoutMs`; the workers themselves set no delay.
  return Number(drain || 10_000) + Number(delay || 0);
}
