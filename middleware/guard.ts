import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Refusal } from '../src/errors.js';
import { tellsOfClientGone } from '../src/gateway/failures.js';
import type { RequestHandle } from '../src/gateway/request-handle.js';
import type { RouteEntry } from '../src/gateway/route-entry.js';
import type { Gateway } from '../src/gateway.js';
import { answerFields } from './answer-fields.js';
import { type HostGuard, HttpHost } from './http-host.js';
import { tellLateError } from './late-error.js';
import { tellShadow } from './observe-field.js';
import { wishesOf } from './request-wishes.js';
import { tellTiming } from './server-timing.js';
import { hostOf } from './watch.js';

/** Options of {@link protect}. */
export interface ProtectOptions {
  /**
   * The body parser of the route, for example `express.json({ limit: '32kb' })`. Given to the guard, it runs after
   * preflight and before a seat, a token or a place in the queue is taken; mounted elsewhere, a slow body holds them.
   */
  readonly body?: RequestHandler;
}

/** A handler whose rejection reaches the error handlers, on Express 4 as well. */
export type GuardedHandler = (req: Request, res: Response, next: NextFunction) => unknown;

declare global {
  namespace Express {
    interface Request {
      /** The admitted request: deadline, signal and database. Set by `protect`. */
      readonly sluice: RequestHandle;
    }
  }
}

/**
 * Guards a route: a request goes on when it has tokens, time and a seat, and is refused with problem+json otherwise.
 *
 * With a handler as the last argument the handler's errors and rejections reach the error handlers on Express 4 too.
 *
 * @param route - A name from the `routes` of the configuration.
 * @throws RangeError when there is no such route.
 */
export function protect<RouteName extends string>(
  gateway: Gateway<RouteName>,
  route: NoInfer<RouteName>,
  options: ProtectOptions = {},
  handler?: GuardedHandler,
): RequestHandler {
  const guard = new Guard(gateway, gateway.entry(route), options, handler);
  return (req, res, next) => guard.handle(req, res, next);
}

class Guard implements HostGuard {
  readonly gateway: Gateway;
  readonly timed: boolean;
  readonly #entry: RouteEntry;
  readonly #body: RequestHandler | undefined;
  readonly #handler: GuardedHandler | undefined;
  readonly #fields: ReturnType<typeof answerFields>;
  #warned = false;

  constructor(gateway: Gateway, entry: RouteEntry, options: ProtectOptions, handler: GuardedHandler | undefined) {
    this.gateway = gateway;
    this.timed = gateway.config.serverTiming;
    this.#entry = entry;
    this.#body = options.body;
    this.#handler = handler;
    this.#fields = answerFields(gateway, entry.runtime);
  }

  handle(req: Request, res: Response, next: NextFunction): void {
    if (req.method === 'OPTIONS') return next();
    const earlier = hostOf(res);
    if (earlier !== undefined) return this.#second(earlier, next);
    const nowMs = this.gateway.clock.nowMs();
    const host = new HttpHost(req, res, next, this);
    const work = this.#entry.classify(nowMs, host, wishesOf(req, this.gateway, this.#entry.runtime));
    if (this.timed) tellTiming(res, work, this.gateway);
    const refusal = this.#entry.preflight(nowMs, work);
    if (refusal !== undefined) return host.refuse(refusal, work);
    host.watch(work);
    if (this.#body === undefined) this.#enter(host, nowMs);
    else this.#readBody(this.#body, host);
  }

  #readBody(parse: RequestHandler, host: HttpHost): void {
    const done = (error?: unknown): void => {
      const { work } = host;
      // A client that left while it sent its body is counted already, and hears nothing.
      if (work.ticket.state !== 'new') return;
      const nowMs = this.gateway.clock.nowMs();
      // Like the framework, which takes all of these for no error.
      if (!error) return this.#enter(host, nowMs);
      host.unread(nowMs);
      host.next(error);
    };
    host.work.awaitBody(this.gateway.clock.nowMs());
    heed(
      withReason(() => parse(host.req, host.res, done)),
      done,
    );
  }

  #enter(host: HttpHost, nowMs: number): void {
    const arrival = host.work.enter(nowMs);
    if (arrival === 'leased') this.run(host);
    else if (arrival === 'queued') host.wait();
    else this.#refuse(host, arrival, nowMs);
  }

  #refuse(host: HttpHost, refusal: Refusal, nowMs: number): void {
    if (refusal.code === 'rate_limited' && !host.res.headersSent) this.#fields?.(host.res, host.work, nowMs);
    host.refuse(refusal);
  }

  run(host: HttpHost): void {
    const { res, next, work } = host;
    host.admit();
    // Somebody else may have begun the answer while the request was queued.
    if (this.#fields !== undefined && !res.headersSent) this.#fields(res, work, this.gateway.clock.nowMs());
    if (work.shadow !== undefined && !res.headersSent) tellShadow(res, work, this.gateway.clock);
    this.#handOn(host, next);
  }

  #handOn(host: HttpHost, next: NextFunction): void {
    if (this.#handler === undefined) return next();
    try {
      heed(this.#handler(host.req, host.res, next), (error) => fail(host, next, error));
    } catch (error) {
      fail(host, next, reasonOf(error));
    }
  }

  /** Guarded already. What is left to do is what was given to this guard beside the guarding. */
  #second(host: HttpHost, next: NextFunction): void {
    if (!this.#warned) {
      this.#warned = true;
      const name = this.#entry.runtime.name;
      this.gateway.logger.warn(
        { code: 'second_guard' },
        `a second guard ("${name}") on one request does nothing; remove one`,
      );
    }
    if (this.#body === undefined) return this.#handOn(host, next);
    const body = this.#body;
    const parsed = (error?: unknown): void => {
      if (error) next(error);
      else this.#handOn(host, next);
    };
    heed(
      withReason(() => body(host.req, host.res, parsed)),
      parsed,
    );
  }
}

/** Hears of a rejection, from promises of other libraries too; Express 4 would not. */
function heed(returned: unknown, failed: (error: unknown) => void): void {
  if (typeof returned !== 'object' || returned === null || !('then' in returned)) return;
  Promise.resolve(returned).catch((error: unknown) => failed(reasonOf(error)));
}

/** @throws What the work throws, which goes to the framework. */
function withReason(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    throw reasonOf(error);
  }
}

/** The framework takes `undefined`, `''`, 0 and `false` for no error, and would go on past the guard. */
function reasonOf(error: unknown): unknown {
  return error || new Error('a handler or a body parser failed without a reason');
}

/** A handler's error goes to the error handlers, unless it comes from an answer that nobody waits for any more. */
function fail(host: HttpHost, next: NextFunction, error: unknown): void {
  if (host.work.answered && host.res.writableEnded) {
    host.work.route.stats.swallowLateWrite();
    tellLateError(host, error);
  } else if (!host.res.destroyed || !tellsOfClientGone(error)) next(error);
}
