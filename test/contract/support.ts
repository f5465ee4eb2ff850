import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../src/clock.js';
import type { PriorityRank } from '../../src/core/priority.js';
import type { PgPoolOptions } from '../../src/pools/connection-pool.js';
import type { AcquireRequest, Connection, PoolListener, QueryResult } from '../../src/pools/contract.js';

/** Settings of a pool in which nothing happens by itself: no session is opened ahead, and none is closed for its age. */
export const STILL: Omit<PgPoolOptions, 'name' | 'url' | 'applicationName' | 'listener'> = {
  max: 4,
  minIdle: 0,
  connectTimeoutMs: 5_000,
  idleTimeoutMs: 0,
  maxLifetimeMs: 0,
  validateAfterIdleMs: 60_000,
  lockTimeoutMs: 0,
  clock: systemClock,
  random: Math.random,
};

/** What a pool told its owner: its comings and goings in order, and its warnings. */
export class Journal implements PoolListener {
  readonly entries: string[] = [];
  readonly warnings: { readonly code: string; readonly message: string }[] = [];
  /** What the server was found to give, each time that changed. */
  readonly granted: number[] = [];
  readonly #waiting: (() => void)[] = [];

  onDown(): void {
    this.#add('down');
  }

  onUp(): void {
    this.#add('up');
  }

  onGranted(_nowMs: number, granted: number): void {
    this.granted.push(granted);
    this.#wake();
  }

  onWarning(code: string, message: string): void {
    this.warnings.push({ code, message });
    this.#wake();
  }

  /** How often this was told: `up`, `down` or the code of a warning. */
  count(entry: string): number {
    const codes = this.warnings.map((warning) => warning.code);
    return [...this.entries, ...codes].filter((each) => each === entry).length;
  }

  /** Resolves once `entry` was told at least `times` times. */
  async reached(entry: string, times = 1): Promise<void> {
    while (this.count(entry) < times) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #add(entry: string): void {
    this.entries.push(entry);
    this.#wake();
  }

  #wake(): void {
    for (const resume of this.#waiting.splice(0)) resume();
  }
}

/** How long to wait before asking a server again: it has other work to do. */
const ASK_AGAIN_MS = 5;

/** Waits until a condition holds: looks again whenever something has happened, and asks a server every few milliseconds. */
export async function until(condition: () => boolean | Promise<boolean>, limitMs = 60_000): Promise<void> {
  const giveUpAt = performance.now() + limitMs;
  for (;;) {
    const answer = condition();
    if (await answer) return;
    if (performance.now() > giveUpAt) throw new Error(`not within ${limitMs} ms: ${condition.toString()}`);
    await (typeof answer === 'boolean' ? nextTurn() : delay(ASK_AGAIN_MS));
  }
}

/**
 * Resolves at the end of the next turn of the event loop in which something happens, or a millisecond from now. Nothing
 * is missed, and the processor is left to whom is waited for: an unreferenced immediate does not keep the loop turning.
 */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      clearImmediate(turn);
      resolve();
    };
    const timer = setTimeout(done, 1);
    const turn = setImmediate(done).unref();
  });
}

/** Lets time pass that is the very thing under test: an age, or an idle time. */
export async function pass(ms: number): Promise<void> {
  const from = performance.now();
  await until(() => performance.now() - from > ms, ms + 10_000);
}

/** Waits as long as it takes. */
export const FOREVER: AcquireRequest = { deadlineAtMs: Number.POSITIVE_INFINITY, rank: 0 };

/** A request for a connection that waits at most so long. */
export function within(ms: number, rank: PriorityRank = 0): AcquireRequest {
  return { deadlineAtMs: systemClock.nowMs() + ms, rank };
}

/** Uniform in [0, 1), the same in every run. */
export function randomFrom(seed: number): () => number {
  let state = (seed * 7_919) % 2_147_483_647 || 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** A statement without a limit. */
export function run<Row = Record<string, unknown>>(
  connection: Connection,
  text: string,
  values?: readonly unknown[],
): Promise<QueryResult<Row>> {
  return connection.query<Row>(text, values, undefined);
}

/** The error of a promise that must fail. */
export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('it was to fail, and succeeded');
}

/** Gives all of them back, and waits until they are idle or gone. */
export async function giveBack(connections: readonly Connection[]): Promise<void> {
  await Promise.all(connections.map((each) => each.release()));
}

/** The long form of the contract: the counts of the issue rather than a sample of them. */
export const LONG: boolean = process.env.CONTRACT_LONG === '1';
