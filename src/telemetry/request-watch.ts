import type { PriorityClass } from '../core/priority.js';
import type { ErrorCode, Refusal } from '../errors.js';
import { type AdmissionResult, anybodyListens, CHANNELS, type RequestMessage } from './channels.js';
import { operationOf } from './operation.js';
import type { RouteOutcome, RouteStats } from './route-stats.js';
import { SpentTime } from './spent-time.js';

/** What a watch tells of a route. */
export interface WatchedRoute {
  readonly name: string;
  readonly config: { readonly priority: PriorityClass };
  readonly pool: { readonly name: string; readonly config: { readonly url: string } } | undefined;
  readonly stats: RouteStats;
}

/**
 * The watch of a request; `undefined`, and nothing is computed for it, when nobody listens.
 *
 * @param timed - Whether somebody wants its times all the same.
 */
export function watchOf(route: WatchedRoute, request: object, timed: boolean = false): RequestWatch | undefined {
  return timed || anybodyListens() ? new RequestWatch(route, request) : undefined;
}

/**
 * Tells of one request on the diagnostics channels. It stands between the request's claim and the counters of its
 * route, and passes everything on to them first.
 */
export class RequestWatch {
  readonly #route: WatchedRoute;
  readonly #about: RequestMessage;
  readonly #acquireWait = new SpentTime();
  readonly #database = new SpentTime();

  constructor(route: WatchedRoute, request: object) {
    const { name, config, pool, stats } = route;
    this.#route = route;
    this.#about = { request, source: stats, route: name, priority: config.priority, pool: pool?.name };
  }

  /** How long its handler has waited for connections in all up to now, in milliseconds. */
  acquireWaitMs(nowMs: number): number {
    return this.#acquireWait.untilMs(nowMs);
  }

  /** How long its statements have taken in all up to now, in milliseconds: those side by side are added up. */
  databaseMs(nowMs: number): number {
    return this.#database.untilMs(nowMs);
  }

  arrive(): void {
    this.#route.stats.arrive();
  }

  enqueue(): void {
    this.#route.stats.enqueue();
    if (CHANNELS['sluice:queued'].hasSubscribers) CHANNELS['sluice:queued'].publish(this.#about);
  }

  admit(queueWaitMs: number, timeLeftMs?: number): void {
    this.#route.stats.admit(queueWaitMs, timeLeftMs);
    this.#tellAdmission('acquired', queueWaitMs, undefined);
  }

  shedWith(code: ErrorCode, refusal?: Refusal): void {
    this.#route.stats.shedWith(code);
    this.#tellAdmission(code, 0, refusal);
  }

  abandon(): void {
    this.#route.stats.abandon();
    this.#tellAdmission('request_canceled', 0, undefined);
  }

  // Each message is written out: spreading the common fields into it would take most of the time that telemetry takes.

  #tellAdmission(result: AdmissionResult, queueWaitMs: number, refusal: Refusal | undefined): void {
    if (!CHANNELS['sluice:admission'].hasSubscribers) return;
    const { request, source, route, priority, pool } = this.#about;
    CHANNELS['sluice:admission'].publish({ request, source, route, priority, pool, result, queueWaitMs, refusal });
  }

  end(outcome: RouteOutcome, seatHoldMs: number): void {
    if (!CHANNELS['sluice:end'].hasSubscribers) return;
    const { request, source, route, priority, pool } = this.#about;
    CHANNELS['sluice:end'].publish({ request, source, route, priority, pool, outcome, seatHoldMs });
  }

  answered(
    method: string,
    status: number,
    scheme: 'http' | 'https',
    template: string | undefined,
    durationMs: number,
  ): void {
    if (!CHANNELS['sluice:answer'].hasSubscribers) return;
    const { request, source, route, priority, pool } = this.#about;
    CHANNELS['sluice:answer'].publish({
      request,
      source,
      route,
      priority,
      pool,
      method,
      status,
      scheme,
      template,
      durationMs,
    });
  }

  /** A connection is waited for; {@link waited} follows. */
  wait(nowMs: number): void {
    this.#acquireWait.begin(nowMs);
  }

  waited(sinceMs: number, nowMs: number, error?: unknown): void {
    this.#acquireWait.end(sinceMs, nowMs);
    this.acquired(nowMs - sinceMs, error);
  }

  /** @param waitMs - 0 for one that was free. */
  acquired(waitMs: number, error?: unknown): void {
    if (!CHANNELS['sluice:acquire'].hasSubscribers) return;
    const { request, source, route, priority, pool } = this.#about;
    CHANNELS['sluice:acquire'].publish({ request, source, route, priority, pool, waitMs, error });
  }

  released(useMs: number): void {
    if (!CHANNELS['sluice:release'].hasSubscribers) return;
    const { request, source, route, priority, pool } = this.#about;
    CHANNELS['sluice:release'].publish({ request, source, route, priority, pool, useMs });
  }

  /** A statement is sent; {@link queried} follows. */
  query(nowMs: number): void {
    this.#database.begin(nowMs);
  }

  queried(text: string, sentAtMs: number, nowMs: number, error?: unknown): void {
    this.#database.end(sentAtMs, nowMs);
    if (!CHANNELS['sluice:query'].hasSubscribers) return;
    const { request, source, route, priority, pool } = this.#about;
    // The other schemes of the configuration begin otherwise.
    const system = /^m/i.test(this.#route.pool?.config.url ?? '') ? 'mysql' : 'postgresql';
    CHANNELS['sluice:query'].publish({
      request,
      source,
      route,
      priority,
      pool,
      system,
      operation: operationOf(text, system),
      durationMs: nowMs - sentAtMs,
      error,
    });
  }
}
