import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { LoadEnding, LoadReply, LoadRequest } from './messages.js';
import type { LoadPlan, LoadResult } from './plan.js';
import { validatePlan } from './validate-plan.js';

/** How {@link startLoad} runs. */
export interface StartLoadOptions {
  /** Ends the generator's process. */
  readonly signal?: AbortSignal;
  /** Once it resolves nothing more is sent; what is on its way is waited for, and counts. */
  readonly ending?: Promise<unknown>;
  /** The program of the generator. Default: as it is built. */
  readonly workerFile?: string;
}

/** Whoever runs the sources, as tests do, has a build of them as well. */
const BUILT_WORKER = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../dist/test/load/worker.js' : './worker.js', import.meta.url),
);
/** Time beyond the plan's own bounds after which the generator is taken to hang, in milliseconds. */
const GRACE_MS = 15_000;

/**
 * Runs a load plan in a process of its own.
 *
 * @throws RangeError when the plan is wrong; Error when the process fails or outlives its bound; the signal's reason.
 */
export async function startLoad(plan: LoadPlan, options: StartLoadOptions = {}): Promise<LoadResult> {
  validatePlan(plan);
  options.signal?.throwIfAborted();
  const worker = fork(options.workerFile ?? BUILT_WORKER, [], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: ['--max-semi-space-size=32'],
  });
  const kill = (): void => {
    worker.kill('SIGKILL');
  };
  const longestMs = Math.max(...plan.streams.map((stream) => stream.unansweredAfterMs));
  const boundMs = plan.warmUpMs + plan.measureMs + plan.coolDownMs + longestMs + GRACE_MS;
  const bound = setTimeout(kill, boundMs);
  options.signal?.addEventListener('abort', kill);
  try {
    return await new Promise<LoadResult>((resolve, reject) => {
      worker.once('message', (reply: LoadReply) => {
        if ('result' in reply) resolve(reply.result);
        else reject(new Error(`the load generator failed: ${reply.error}`));
      });
      worker.once('error', reject);
      worker.once('exit', (code, signal) => {
        if (options.signal?.aborted === true) reject(options.signal.reason);
        else reject(new Error(`the load generator ended without a result (code ${code}, signal ${signal})`));
      });
      worker.send({ plan } satisfies LoadRequest);
      void options.ending?.then(() => {
        if (worker.connected) worker.send({ endNow: true } satisfies LoadEnding);
      });
    });
  } finally {
    clearTimeout(bound);
    options.signal?.removeEventListener('abort', kill);
    if (worker.exitCode === null && worker.signalCode === null) kill();
  }
}
