import type { Clock } from '../clock.js';
import { DrainBound } from './drain-bound.js';
import { LastRequests, type RequestSource } from './last-requests.js';
import type { OpenAnswers } from './open-answers.js';
import type { OpenRuns } from './open-runs.js';
import type { PoolRuntime } from './pool-runtime.js';
import { draining } from './refusals.js';
import type { Admitting } from './route-entry.js';
import type { RouteRuntime } from './route-runtime.js';

/** The part of `http.Server` that a drain needs. */
export interface DrainableServer extends Partial<RequestSource> {
  close(done?: (error?: Error) => void): unknown;
  closeIdleConnections(): void;
  closeAllConnections(): void;
}

/** How to drain. */
export interface DrainOptions {
  /**
   * Answers newcomers with `draining` while work in flight ends, then stops listening; closed when the drain ends. From
   * the start of the drain its answers end their connections. Connections on which no guard and nobody since the start
   * has seen a request are cut half a second after everything else is over.
   */
  readonly server?: DrainableServer;
  /**
   * Bound for work in flight, in milliseconds from the end of the readiness delay, 0 to `Infinity`; 0 leaves that delay
   * out too. Default: `drainTimeoutMs` of the configuration. In a later call: the whole drain waits no longer than this from then on.
   */
  readonly timeoutMs?: number;
}

/** What a drain works on. */
export interface Drained {
  readonly clock: Clock;
  readonly admitting: Admitting;
  readonly answers: OpenAnswers;
  readonly runs: OpenRuns;
  readonly routes: readonly RouteRuntime[];
  readonly pools: readonly PoolRuntime[];
  readonly bound: DrainBound;
  /** Until here requests are admitted as before, so that balancers see the readiness fail first. */
  readonly admitUntilMs: number;
}

const LOOK_EVERY_MS = 20;
const LAST_WORDS_MS = 250;
/**
 * For a connection that nothing is known of: a browser or a balancer opened it ahead and has sent nothing. Node does
 * not take it for idle before its first request, and would wait a minute for that.
 */
const SILENT_MS = 500;

/**
 * The ordered end (DESIGN §6): readiness has failed already; after a while nothing new is admitted, work in flight comes
 * to its end or to the bound, what is left is shed or cancelled, and the pools go last.
 *
 * @param timeoutMs - Brings the bound nearer once nothing new is admitted.
 */
export async function drainWork(
  drained: Drained,
  server: DrainableServer | undefined,
  timeoutMs: number,
): Promise<void> {
  const { clock, admitting, answers, runs, routes, pools, bound } = drained;
  answers.endConnections(clock);
  const newcomers = server?.prependListener === undefined ? undefined : new LastRequests(server as RequestSource);
  const admitted = (): boolean => clock.nowMs() >= drained.admitUntilMs;
  if (!admitted()) await settled(clock, bound, admitted);
  admitting.draining = true;
  bound.within(timeoutMs);
  const idle = (): boolean => !busy(routes) && answers.none;
  await settled(clock, bound, idle);
  // Not before: a server that closes cuts off whoever is still reading.
  const closed = server === undefined ? Promise.resolve() : closeServer(server);
  if (server !== undefined) await lastConnections(clock, bound, server, newcomers, whenDone(closed));
  await shedQueued(clock, routes);
  const closing = pools.map(({ pool }) => pool.close(bound.atMs));
  for (const { retries } of pools) retries.end();
  await Promise.all(closing);
  // Handlers whose statements were cancelled still have to say so.
  await settled(clock, boundOf(clock, LAST_WORDS_MS), idle);
  answers.endWork(clock);
  runs.endWork(clock.nowMs());
  await settled(clock, boundOf(clock, LAST_WORDS_MS), () => answers.none);
  server?.closeAllConnections();
  await closed;
}

/** Lets a server that no longer listens lose its connections one by one, as each has nothing more to say. */
async function lastConnections(
  clock: Clock,
  bound: DrainBound,
  server: DrainableServer,
  newcomers: LastRequests | undefined,
  done: () => boolean,
): Promise<void> {
  let heardAtMs = clock.nowMs();
  const quiet = (): boolean => clock.nowMs() - heardAtMs >= SILENT_MS;
  await settled(
    clock,
    bound,
    () => done() || quiet(),
    () => {
      if (newcomers?.none === false) heardAtMs = clock.nowMs();
      server.closeIdleConnections();
    },
  );
}

/** A crowd is shed in turns, and the timers that take them stop after the drain: nobody may be left without an answer. */
async function shedQueued(clock: Clock, routes: readonly RouteRuntime[]): Promise<void> {
  for (const { lane, name } of routes) lane?.shedAll(clock.nowMs(), draining(name));
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
  bound: DrainBound,
  condition: () => boolean,
  meanwhile: () => void = () => {},
): Promise<void> {
  while (!condition() && !bound.passed) {
    meanwhile();
    await pause(clock, LOOK_EVERY_MS);
  }
}

function boundOf(clock: Clock, timeoutMs: number): DrainBound {
  const bound = new DrainBound(clock);
  bound.within(timeoutMs);
  return bound;
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
