import type { Clock } from '../clock.js';
import type { OpenAnswers } from './open-answers.js';
import type { PoolRuntime } from './pool-runtime.js';
import { draining } from './refusals.js';
import type { Admitting } from './route-entry.js';
import type { RouteRuntime } from './route-runtime.js';

/** The part of `http.Server` that a drain needs. */
export interface DrainableServer {
  close(done?: (error?: Error) => void): unknown;
  closeIdleConnections(): void;
  closeAllConnections(): void;
}

/** How to drain. */
export interface DrainOptions {
  /** Answers newcomers with `draining` while work in flight ends, then stops listening; closed when the drain ends. */
  readonly server?: DrainableServer;
  /** Bound for work in flight, in milliseconds. Default: `drainTimeoutMs` of the configuration. */
  readonly timeoutMs?: number;
}

/** What a drain works on. */
export interface Drained {
  readonly clock: Clock;
  readonly admitting: Admitting;
  readonly answers: OpenAnswers;
  readonly routes: readonly RouteRuntime[];
  readonly pools: readonly PoolRuntime[];
}

const LOOK_EVERY_MS = 20;
const LAST_WORDS_MS = 250;

/**
 * The ordered end (DESIGN §6): nothing new is admitted, work in flight comes to its end or to the bound, what is left
 * is shed or cancelled, and the pools go last.
 */
export async function drainWork(
  drained: Drained,
  server: DrainableServer | undefined,
  timeoutMs: number,
): Promise<void> {
  const { clock, admitting, answers, routes, pools } = drained;
  admitting.draining = true;
  const untilMs = clock.nowMs() + timeoutMs;
  const idle = (): boolean => !busy(routes) && answers.none;
  await settled(clock, untilMs, idle);
  // Not before: a server that closes cuts off whoever is still reading.
  const closed = server === undefined ? Promise.resolve() : closeServer(server);
  await settled(clock, untilMs, whenDone(closed), () => server?.closeIdleConnections());
  await shedQueued(clock, routes);
  await Promise.all(pools.map(({ pool }) => pool.close(untilMs)));
  // Handlers whose statements were cancelled still have to say so.
  await settled(clock, clock.nowMs() + LAST_WORDS_MS, idle);
  server?.closeAllConnections();
  await closed;
}

/** A crowd is shed in turns, and the timers that take them stop after the drain: nobody may be left without an answer. */
async function shedQueued(clock: Clock, routes: readonly RouteRuntime[]): Promise<void> {
  while (routes.some(({ gate }) => gate !== undefined && gate.bulkhead.queued > 0)) {
    const nowMs = clock.nowMs();
    for (const { gate } of routes) gate?.shedAll(nowMs, (ticket) => draining(ticket.route.name));
    await pause(clock, 1);
  }
}

/** A promise for a delay that keeps the process alive: an ending process must not end before its drain. */
export function pause(clock: Clock, delayMs: number): Promise<void> {
  const alive = setInterval(() => {}, 60_000);
  return new Promise((resolve) => {
    clock.after(delayMs, () => {
      clearInterval(alive);
      resolve();
    });
  });
}

async function settled(
  clock: Clock,
  untilMs: number,
  condition: () => boolean,
  meanwhile: () => void = () => {},
): Promise<void> {
  while (!condition() && clock.nowMs() < untilMs) {
    meanwhile();
    await pause(clock, LOOK_EVERY_MS);
  }
}

function busy(routes: readonly RouteRuntime[]): boolean {
  return routes.some(({ stats }) => stats.inFlight > 0 || stats.undecided > 0);
}

function whenDone(promise: Promise<void>): () => boolean {
  let done = false;
  void promise.then(() => {
    done = true;
  });
  return () => done;
}

function closeServer(server: DrainableServer): Promise<void> {
  return new Promise((resolve) => {
    // A server that was closed already answers with an error, and is closed all the same.
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}
