import { checkKnownOptions } from '../core/known-options.js';
import { requireNumber } from '../core/numbers.js';
import { databaseUnavailable } from '../core/refusals.js';
import { type ErrorCode, isSluiceError, SluiceError } from '../errors.js';
import { ChunkPatience } from './chunk-patience.js';
import { onAbort } from './on-abort.js';
import type { RequestHandle } from './request-handle.js';
import { RUN_OPTIONS, type Runner, type RunOptions, runWork } from './run-work.js';
import { sleep } from './sleep.js';

/**
 * One piece of a long job: works from `cursor` on (`undefined` for the beginning) and returns where the next piece
 * begins, or `undefined` or `null` when there is nothing left. Where it began itself (the same string, number, bigint or
 * boolean) is an error: such a job would never end. It must be safe to run again from the same cursor, also where what it
 * did may have taken effect: after a lost connection, a restart or an abort it will be. One transaction that also stores
 * the cursor is the surest way.
 */
export type Chunk<Cursor> = (handle: RequestHandle, cursor: Cursor | undefined) => Promise<Cursor | null | undefined>;

/** How to run a job in chunks. What {@link RunOptions} say holds for each chunk. */
export interface ChunkOptions<Cursor> extends RunOptions {
  /** Where an earlier run stopped. Default, and for `null`: the beginning. */
  readonly from?: Cursor | null | undefined;
  /** Told after each chunk that is not the last, before the next one begins; the place to store the cursor. */
  readonly onChunk?: (cursor: Cursor, chunks: number) => unknown;
  /**
   * How long the job may go without finishing a chunk while it is shed or its database is away, in ms, 1 to 604,800,000.
   * A chunk that waits for a connection then is told `database_unavailable`. Default 600,000.
   */
  readonly patienceMs?: number;
}

/** How a job ended. */
export interface ChunkedRun<Cursor> {
  /** `aborted` by its signal; `draining`, the gateway shuts down. */
  readonly end: 'done' | 'aborted' | 'draining';
  /** Where to go on; `undefined` after `done`, and where not even the first chunk was finished. */
  readonly cursor: Cursor | undefined;
  /** Chunks that were finished. */
  readonly chunks: number;
  /** How often a chunk was shed or lost its database, and came again. */
  readonly repeats: number;
}

/** A chunk failed, or was shed for too long; `cause` tells of what. The job can go on from `cursor`. */
export class ChunkError<Cursor = unknown> extends Error {
  override readonly name = 'ChunkError';
  /** Where the chunk began that was not finished. */
  readonly cursor: Cursor | undefined;
  /** Chunks that were finished. */
  readonly chunks: number;

  /** @internal */
  constructor(route: string, cursor: Cursor | undefined, chunks: number, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`the job on route "${route}" stopped after ${chunks} chunks: ${why}`, { cause });
    this.cursor = cursor;
    this.chunks = chunks;
  }
}

/** The part of a gateway that a chunked run needs. */
export interface ChunkRunner extends Runner {
  /** Aborted when the gateway begins to shut down. */
  readonly stopping: AbortSignal;
}

const CHUNK_OPTIONS: readonly string[] = ['from', 'onChunk', 'patienceMs', ...RUN_OPTIONS];
const WEEK_MS = 604_800_000;
/** After these a chunk that had begun is run again, whatever its outcome: the database was away. */
const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'connection_lost',
  'database_unavailable',
  'database_busy',
  'breaker_open',
]);

/**
 * Runs a job chunk by chunk, each admitted like any other work of its route and with a deadline of its own: whoever is
 * more important gets the seat within one chunk. A chunk that is shed comes back when the refusal says, spread like
 * clients; one that fails ends the job. Stops at once when its signal is aborted, and after the chunk that is running
 * when the gateway begins to shut down.
 */
export async function runInChunks<Cursor>(
  runner: ChunkRunner,
  route: string,
  chunk: Chunk<Cursor>,
  given: ChunkOptions<Cursor>,
): Promise<ChunkedRun<Cursor>> {
  checkKnownOptions('runInChunks()', given, CHUNK_OPTIONS);
  const { from, onChunk, patienceMs = 600_000, ...options } = given;
  requireNumber('patienceMs', patienceMs, { min: 1, max: WEEK_MS });
  const entry = runner.entry(route);
  const { rank, gate } = entry.runtime;
  const { clock, random } = runner;
  const patience = new ChunkPatience({ clock, random, rank, patienceMs, outage: gate?.bulkhead.outage });
  let [cursor, chunks, repeats] = [from ?? undefined, 0, 0];
  const ended = (end: ChunkedRun<Cursor>['end']): ChunkedRun<Cursor> => ({ end, cursor, chunks, repeats });
  const failed = (error: unknown): ChunkError<Cursor> => new ChunkError(route, cursor, chunks, error);
  const aborted = (): boolean => options.signal?.aborted === true;
  for (;;) {
    if (aborted()) return ended('aborted');
    if (runner.stopping.aborted) return ended('draining');
    const attempt = await attemptChunk(runner, route, (handle) => chunk(handle, cursor), options, patience);
    if ('next' in attempt) {
      chunks += 1;
      const before = cursor;
      cursor = attempt.next ?? undefined;
      if (cursor === undefined) return ended('done');
      if (standsStill(before, cursor)) throw failed(unmoved());
      patience.finished();
      try {
        await onChunk?.(cursor, chunks);
      } catch (error) {
        throw failed(error);
      }
      continue;
    }
    const { error, began } = attempt;
    if (aborted()) return ended('aborted');
    if (runner.stopping.aborted && (!began || isSluiceError(error))) return ended('draining');
    if (!passes(error, began)) throw failed(error);
    const waitMs = patience.waitAfter(error, began);
    if (waitMs === undefined) throw failed(error);
    repeats += 1;
    await sleep(clock, waitMs, runner.stopping, ...(options.signal === undefined ? [] : [options.signal]));
  }
}

type Attempt<Cursor> =
  | { readonly next: Cursor | null | undefined }
  | { readonly error: unknown; readonly began: boolean };

/** One run of a chunk. While it is only queued, the end of the gateway takes it out of the queue. */
async function attemptChunk<Cursor>(
  runner: ChunkRunner,
  route: string,
  work: (handle: RequestHandle) => Promise<Cursor | null | undefined>,
  options: RunOptions,
  patience: ChunkPatience,
): Promise<Attempt<Cursor>> {
  let began = false;
  let handled: RequestHandle | undefined;
  const leave = new AbortController();
  const onEnd = (): void => leave.abort(options.signal?.reason);
  const onStopping = (): void => {
    if (!began) leave.abort();
  };
  const unheard = [onAbort(options.signal, onEnd), onAbort(runner.stopping, onStopping)];
  const begin = (handle: RequestHandle): Promise<Cursor | null | undefined> => {
    began = true;
    handled = handle;
    return work(handle);
  };
  const unwatch = patience.watch(
    () => began,
    (outage) => {
      const downForMs = Math.round(outage.lastedMs(runner.clock.nowMs()));
      const refusal = databaseUnavailable({ stage: 'queue', route, down_for_ms: downForMs }, 1_000);
      if (handled === undefined) leave.abort(new SluiceError(refusal));
      else handled.giveUpWaiting();
    },
  );
  try {
    return { next: await runWork(runner, runner.entry(route), begin, { ...options, signal: leave.signal }) };
  } catch (error) {
    return { error, began };
  } finally {
    unwatch();
    for (const leave of unheard) leave();
  }
}

/** An object may be one that the chunk changes in place; anything else that is the same leads nowhere. */
function standsStill(before: unknown, next: unknown): boolean {
  return typeof next !== 'object' && Object.is(before, next);
}

/** A mistake of the application. The cursor may be a key of a row, which is nothing for a log. */
function unmoved(): Error {
  return new Error(
    'a chunk returned the cursor that it was given, so the job would never end: return undefined when nothing is left; ' +
      'where the work has no position, count the chunks',
  );
}

/** Whether the same chunk may succeed later: it was shed before it began, or its database went away. */
function passes(error: unknown, began: boolean): error is SluiceError {
  return isSluiceError(error) && (!began || PASSING.has(error.code));
}
