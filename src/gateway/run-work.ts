import type { Clock } from '../clock.js';
import { checkKnownOptions } from '../core/known-options.js';
import { isSluiceError, type Refusal, SluiceError } from '../errors.js';
import { onAbort } from './on-abort.js';
import type { OpenRuns } from './open-runs.js';
import { nestedInLane, nestedOnSameSeats } from './refusals.js';
import { RequestHandle } from './request-handle.js';
import type { RequestWork } from './request-work.js';
import type { RequestWishes, RouteEntry } from './route-entry.js';
import type { WorkHost } from './work-contract.js';

/** How to run work outside HTTP. */
export interface RunOptions {
  /** Milliseconds for the whole work; only a shorter time than the route's deadline counts, and 0 or less is refused. */
  readonly budgetMs?: number;
  /** Whose bucket is charged, where the route has buckets per caller. */
  readonly callerKey?: string;
  /** Whose share of the class it takes. Default: that of all work without a tenant. */
  readonly tenant?: string;
  /** Seats that it takes: a whole number from 1. Default: the route's `cost`. */
  readonly cost?: number;
  /** Aborting it ends the work as a client that leaves would. */
  readonly signal?: AbortSignal;
}

/** The names of {@link RunOptions}. */
export const RUN_OPTIONS: readonly string[] = ['budgetMs', 'callerKey', 'tenant', 'cost', 'signal'];

/** The part of a gateway that running needs. */
export interface Runner {
  readonly clock: Clock;
  readonly runs: OpenRuns;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  entry(route: string): RouteEntry;
  /** Runs work of another route inside a request; see {@link runInside}. */
  runInside<T>(parent: RequestWork, route: string, run: (handle: RequestHandle) => Promise<T>): Promise<T>;
}

/**
 * Runs work on a route: the same stages as a request, with a promise instead of a response.
 *
 * @param parent - The work inside which it runs, if any.
 */
export async function runWork<T>(
  runner: Runner,
  entry: RouteEntry,
  run: (handle: RequestHandle) => Promise<T>,
  options: RunOptions,
  parent?: RequestWork,
): Promise<T> {
  checkOptions(options);
  options.signal?.throwIfAborted();
  const { budgetMs, callerKey, tenant, cost } = options;
  const caller = new Caller();
  const wishes: RequestWishes = { budgetMs, callerKey, tenant, seats: cost };
  const nowMs = runner.clock.nowMs();
  const work = entry.classify(nowMs, caller, wishes);
  work.parent = parent;
  const leave = (): void => {
    caller.leave(options.signal?.reason);
    work.clientGone(runner.clock.nowMs());
  };
  const unheard = onAbort(options.signal, leave);
  try {
    const refusal = entry.preflight(nowMs, work) ?? refusalOf(work.enter(nowMs), caller);
    if (refusal !== undefined) throw await refused(runner.clock, refusal);
    await caller.turn();
    return await runner.runs.during(work, caller.unlessEnded(finish(runner, work, run)));
  } finally {
    unheard();
  }
}

/**
 * A refusal on arrival, after a turn of the event loop: whoever tries again in a loop would leave the process none, in
 * which to hear that the database is back.
 */
async function refused(clock: Clock, refusal: Refusal): Promise<SluiceError> {
  const error = new SluiceError(refusal);
  await new Promise<void>((resolve) => clock.afterInput(resolve));
  return error;
}

/** What an application without types can give. Names of tenants and callers stay out of the messages. */
function checkOptions(options: { readonly [Option in keyof RunOptions]: unknown }): void {
  checkKnownOptions('run()', options, RUN_OPTIONS);
  const { budgetMs, callerKey, tenant, cost } = options;
  checkName('callerKey', callerKey);
  checkName('tenant', tenant);
  if (budgetMs !== undefined && (typeof budgetMs !== 'number' || Number.isNaN(budgetMs))) {
    throw new RangeError(`budgetMs is ${String(budgetMs)}: give milliseconds, or leave it out`);
  }
  if (cost !== undefined && !(typeof cost === 'number' && Number.isInteger(cost) && cost >= 1)) {
    throw new RangeError(`cost is ${String(cost)}: give a whole number from 1, or leave it out`);
  }
}

function checkName(name: string, value: unknown): void {
  if (value === undefined || typeof value === 'string') return;
  const found = typeof value === 'number' ? value : `a value of type ${value === null ? 'null' : typeof value}`;
  throw new TypeError(`${name} is ${found}: give a string, or leave it out`);
}

/** How work runs other work inside itself: on other seats only, and within its own time left. */
export async function runInside<T>(
  runner: Runner,
  parent: RequestWork,
  route: string,
  run: (handle: RequestHandle) => Promise<T>,
): Promise<T> {
  const entry = runner.entry(route);
  const { gate, lane, pool } = entry.runtime;
  for (const { route: held } of parent.lineage()) {
    if (gate !== undefined && gate === held.gate) throw nestedOnSameSeats(route, pool?.name);
    if (lane !== undefined && lane === held.lane) throw nestedInLane(route);
  }
  const budgetMs = parent.deadlineAtMs - runner.clock.nowMs();
  return runWork(runner, entry, run, { budgetMs, signal: parent.handler.signal }, parent);
}

function refusalOf(arrival: 'leased' | 'queued' | Refusal, caller: Caller): Refusal | undefined {
  if (arrival === 'leased') caller.proceed();
  return typeof arrival === 'string' ? undefined : arrival;
}

async function finish<T>(runner: Runner, work: RequestWork, run: (handle: RequestHandle) => Promise<T>): Promise<T> {
  try {
    const result = await run(new RequestHandle(work, runner));
    work.complete(runner.clock.nowMs(), 'succeeded');
    return result;
  } catch (error) {
    const nowMs = runner.clock.nowMs();
    if (!work.answered && isSluiceError(error)) work.handler.failedWith(nowMs, error);
    work.complete(nowMs, 'failed');
    throw error;
  }
}

/** The caller of `run`: waits for its turn, and for the end of its work or of its time, whichever comes first. */
class Caller implements WorkHost {
  #state: 'waits' | 'runs' | 'over' = 'waits';
  #reason: unknown;
  #resolve: (() => void) | undefined;
  #reject: ((reason: unknown) => void) | undefined;

  /** @throws What it is refused with. */
  turn(): Promise<void> | undefined {
    if (this.#state === 'runs') return undefined;
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      if (this.#state === 'over') reject(this.#reason);
    });
  }

  unlessEnded<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      if (this.#state === 'over') reject(this.#reason);
      work.then(resolve, reject);
    });
  }

  proceed(): void {
    if (this.#state === 'waits') this.#state = 'runs';
    this.#resolve?.();
  }

  refuse(refusal: Refusal): void {
    if (this.#state === 'waits') this.#end(new SluiceError(refusal));
  }

  expire(refusal: Refusal): void {
    this.#end(refusal instanceof SluiceError ? refusal : new SluiceError(refusal));
  }

  streaming(): boolean {
    return false;
  }

  leave(reason: unknown): void {
    this.#end(reason);
  }

  #end(reason: unknown): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#reason = reason;
    this.#reject?.(reason);
  }
}
