import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { LoadPlan, LoadResult, StreamResult } from '../load/plan.js';
import { type ServerProcess, startServer } from '../load/server-process.js';
import { startLoad } from '../load/start-load.js';
import type { RivalName } from './rivals/names.js';
import type { BenchContext } from './section.js';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const SHOP = here('../../examples/shop/main.js');
const RIVAL = here('./rivals/main.js');
const DATABASE_ALONE = here('./rivals/database-alone.js');

/** More than the longest backlog of any contender: callers give up before the sockets run out. */
const MAX_SOCKETS = 12_000;

/** The shop behind Sluice, in a process of its own. */
export function startShop(context: BenchContext, env: Readonly<Record<string, string>>): Promise<ServerProcess> {
  return startServer(SHOP, { env, signal: context.signal });
}

/** The shop behind a rival, in a process of its own. */
export function startRival(
  context: BenchContext,
  name: RivalName,
  env: Readonly<Record<string, string>>,
): Promise<ServerProcess> {
  return startServer(RIVAL, { args: [name], env, signal: context.signal });
}

/** Load on one server; see {@link startLoad}. */
export function drive(context: BenchContext, plan: Omit<LoadPlan, 'maxSockets'>): Promise<LoadResult> {
  return startLoad({ ...plan, maxSockets: MAX_SOCKETS }, { signal: context.signal });
}

/** Runs `use` on a server and stops it, whatever happens. */
export async function withServer<T>(
  starting: Promise<ServerProcess>,
  use: (server: ServerProcess) => Promise<T>,
): Promise<T> {
  const server = await starting;
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}

/** The result of one stream. */
export function streamOf(result: LoadResult, name: string): StreamResult {
  const stream = result.streams.find((candidate) => candidate.name === name);
  if (stream === undefined) throw new Error(`the load has no stream "${name}"`);
  return stream;
}

/** Rates of the database without a web server before it. */
export interface AloneRates {
  readonly perSecond: number;
  readonly reportsPerSecond: number;
}

/** Measures the database alone: raw clients, the same SQL. */
export function measureDatabaseAlone(
  context: BenchContext,
  env: Readonly<Record<string, string>>,
  window: Pick<LoadPlan, 'warmUpMs' | 'measureMs'>,
): Promise<AloneRates> {
  const args = [window.warmUpMs, window.measureMs, context.seed].map(String);
  return runForAnswer<AloneRates>(context, DATABASE_ALONE, args, { env: { ...process.env, ...env } });
}

/** Runs a file of the bench in its own process and gives back the one message that it sends. */
export function runForAnswer<Answer>(
  context: BenchContext,
  file: string,
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly execArgv?: string[] } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const child = fork(file, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], ...options });
    const kill = (): void => {
      child.kill('SIGKILL');
    };
    context.signal.addEventListener('abort', kill);
    child.once('message', (answer) => resolve(answer as Answer));
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      context.signal.removeEventListener('abort', kill);
      reject(new Error(`${file} ended without an answer (code ${code}, signal ${signal})`));
    });
  });
}
