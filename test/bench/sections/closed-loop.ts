import { setTimeout as delay } from 'node:timers/promises';
import {
  createGateway,
  type Gateway,
  isSluiceError,
  type PoolOptions,
  type RequestHandle,
} from '../../../src/index.js';
import type { PoolSnapshot } from '../../../src/telemetry/snapshot.js';

/** What one pool is asked to do by callers that come again as soon as they are answered. */
export interface ClosedLoop {
  readonly url: string;
  readonly pool: PoolOptions;
  readonly callers: number;
  readonly work: (handle: RequestHandle) => Promise<unknown>;
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly signal: AbortSignal;
}

/** What came of it. */
export interface ClosedLoopFigures {
  readonly perSecond: number;
  /** The concurrency limit, every 100 ms of the measured time. */
  readonly limits: readonly number[];
  readonly pool: PoolSnapshot;
}

const LOOK_MS = 100;
/** A caller that was refused comes again after this. */
const PAUSE_MS = 5;

/** Drives one pool of a gateway within this process. */
export async function driveClosedLoop(loop: ClosedLoop): Promise<ClosedLoopFigures> {
  const gateway = await createGateway(
    {
      applicationName: 'bench-loop',
      maxEventLoopLagMs: 0,
      readinessDelayMs: 0,
      pools: { main: { ...loop.pool, url: loop.url } },
      routes: { work: { pool: 'main', deadlineMs: 60_000 } },
    },
    { env: {} },
  );
  const stop = new AbortController();
  const done = { count: 0 };
  const callers = Array.from({ length: loop.callers }, () => call(gateway, loop, stop.signal, done));
  try {
    await delay(loop.warmUpMs, undefined, { signal: loop.signal });
    const before = done.count;
    const beganAtMs = performance.now();
    const limits: number[] = [];
    while (performance.now() - beganAtMs < loop.measureMs) {
      await delay(LOOK_MS, undefined, { signal: loop.signal });
      limits.push(poolOf(gateway).seats.limit);
    }
    const perSecond = ((done.count - before) * 1_000) / (performance.now() - beganAtMs);
    return { perSecond, limits, pool: poolOf(gateway) };
  } finally {
    stop.abort();
    await Promise.all(callers);
    await gateway.drain({ timeoutMs: 1_000 });
  }
}

async function call(gateway: Gateway, loop: ClosedLoop, stop: AbortSignal, done: { count: number }): Promise<void> {
  while (!stop.aborted) {
    try {
      await gateway.run('work', loop.work);
      done.count += 1;
    } catch (error) {
      if (!isSluiceError(error)) throw error;
      await delay(PAUSE_MS);
    }
  }
}

function poolOf(gateway: Gateway): PoolSnapshot {
  const [pool] = gateway.snapshot().pools;
  if (pool === undefined) throw new Error('the gateway has no pool');
  return pool;
}
