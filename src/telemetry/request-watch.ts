import type { PriorityClass } from '../core/priority.js';
import type { ErrorCode, Refusal } from '../errors.js';
import { anybodyListens, CHANNELS, type RequestMessage } from './channels.js';
import type { RouteOutcome, RouteStats } from './route-stats.js';

/** What a watch tells of a route. */
export interface WatchedRoute {
  readonly name: string;
  readonly config: { readonly priority: PriorityClass };
  readonly pool: { readonly name: string; readonly config: { readonly url: string } } | undefined;
  readonly stats: RouteStats;
}

/** Words that a statement may be told by; the others could be anything. */
const OPERATIONS: ReadonlySet<string> = new Set([
  ...['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'MERGE', 'WITH', 'VALUES', 'COPY', 'CALL', 'TABLE', 'REPLACE'],
  ...['BEGIN', 'START', 'COMMIT', 'ROLLBACK', 'SAVEPOINT', 'RELEASE', 'SET', 'SHOW', 'EXPLAIN', 'LOCK'],
  ...['CREATE', 'ALTER', 'DROP', 'TRUNCATE', 'ANALYZE', 'VACUUM', 'REFRESH', 'DECLARE', 'FETCH', 'CLOSE', 'DO'],
]);

/** The watch of a request; `undefined`, and nothing is computed for it, when nobody listens. */
export function watchOf(route: WatchedRoute, request: object): RequestWatch | undefined {
  return anybodyListens() ? new RequestWatch(route, request) : undefined;
}

/**
 * Tells of one request on the diagnostics channels. It stands between the request's claim and the counters of its
 * route, and passes everything on to them first.
 */
export class RequestWatch {
  readonly #route: WatchedRoute;
  readonly #about: RequestMessage;

  constructor(route: WatchedRoute, request: object) {
    const { name, config, pool, stats } = route;
    this.#route = route;
    this.#about = { request, source: stats, route: name, priority: config.priority, pool: pool?.name };
  }

  arrive(): void {
    this.#route.stats.arrive();
  }

  enqueue(): void {
    this.#route.stats.enqueue();
    CHANNELS['sluice:queued'].publish(this.#about);
  }

  admit(queueWaitMs: number, timeLeftMs?: number): void {
    this.#route.stats.admit(queueWaitMs, timeLeftMs);
    CHANNELS['sluice:admission'].publish({ ...this.#about, result: 'acquired', queueWaitMs, refusal: undefined });
  }

  shedWith(code: ErrorCode, refusal?: Refusal): void {
    this.#route.stats.shedWith(code);
    CHANNELS['sluice:admission'].publish({ ...this.#about, result: code, queueWaitMs: 0, refusal });
  }

  abandon(): void {
    this.#route.stats.abandon();
    const result = 'request_canceled';
    CHANNELS['sluice:admission'].publish({ ...this.#about, result, queueWaitMs: 0, refusal: undefined });
  }

  end(outcome: RouteOutcome, seatHoldMs: number): void {
    CHANNELS['sluice:end'].publish({ ...this.#about, outcome, seatHoldMs });
  }

  acquired(waitMs: number, error?: unknown): void {
    CHANNELS['sluice:acquire'].publish({ ...this.#about, waitMs, error });
  }

  released(useMs: number): void {
    CHANNELS['sluice:release'].publish({ ...this.#about, useMs });
  }

  queried(text: string, durationMs: number, error?: unknown): void {
    if (!CHANNELS['sluice:query'].hasSubscribers) return;
    const system = /^(mysql|mariadb):/i.test(this.#route.pool?.config.url ?? '') ? 'mysql' : 'postgresql';
    const word = /^[\s(]*([a-z]+)/i.exec(text)?.[1]?.toUpperCase() ?? '';
    const operation = OPERATIONS.has(word) ? word : 'OTHER';
    CHANNELS['sluice:query'].publish({ ...this.#about, system, operation, durationMs, error });
  }
}
