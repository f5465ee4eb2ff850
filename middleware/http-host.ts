import { AsyncResource } from 'node:async_hooks';
import type { ServerResponse } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import type { Refusal } from '../src/errors.js';
import type { RequestWork } from '../src/gateway/request-work.js';
import type { WorkHost } from '../src/gateway/work-contract.js';
import { sendProblem } from './problem.js';
import { closesAfterRefusal } from './unread-body.js';

const HOST = Symbol('sluice.host');

/** A response that a guard watches over. */
interface Watched {
  [HOST]?: HttpHost;
}

/** What the guard does once the seat is there. */
export type Proceed = (host: HttpHost) => void;

/** The HTTP side of one request: answers refusals, and tells the work when the answer is complete or the client gone. */
export class HttpHost implements WorkHost {
  readonly req: Request;
  readonly res: Response;
  readonly next: NextFunction;
  readonly #proceed: Proceed;
  readonly #nowMs: () => number;
  readonly #end: ServerResponse['end'];
  #work: RequestWork | undefined;
  /** The async context of a request that waits, which must not become that of the one that made room for it. */
  #context: AsyncResource | undefined;

  constructor(req: Request, res: Response, next: NextFunction, proceed: Proceed, nowMs: () => number) {
    this.req = req;
    this.res = res;
    this.next = next;
    this.#proceed = proceed;
    this.#nowMs = nowMs;
    this.#end = res.end;
  }

  /** The work of this request, once classified. */
  get work(): RequestWork {
    if (this.#work === undefined) throw new Error('the request has not been classified yet');
    return this.#work;
  }

  /** Watches the response for its end. One own property and one listener: this runs for every request. */
  watch(work: RequestWork): void {
    this.#work = work;
    const res: ServerResponse & Watched = this.res;
    res[HOST] = this;
    res.end = endWatched as ServerResponse['end'];
    res.on('close', closeWatched);
  }

  /** Keeps the async context while the request waits. */
  wait(): void {
    this.#context = new AsyncResource('SluiceQueued');
  }

  proceed(): void {
    if (this.#context === undefined) this.#proceed(this);
    else this.#context.runInAsyncScope(this.#proceed, undefined, this);
  }

  refuse(refusal: Refusal): void {
    const close = closesAfterRefusal(this.req) || refusal.code === 'draining';
    sendProblem(this.res, refusal, { close });
  }

  expire(refusal: Refusal): void {
    const sent = sendProblem(this.res, refusal);
    // An answer that has begun cannot be taken back; cutting it off is the only way to say that it is not whole.
    if (!sent && !this.res.writableEnded) this.res.destroy();
    mute(this.res, () => this.work.route.stats.swallowLateWrite());
  }

  streaming(): boolean {
    return this.res.headersSent;
  }

  /** Calls the original `end` of the response and tells the work. */
  end(args: Parameters<ServerResponse['end']>): ServerResponse {
    // A second answer would become an error event that nobody listens for, and end the process.
    if (this.res.writableEnded && args[0] !== undefined && typeof args[0] !== 'function') {
      this.#work?.route.stats.swallowLateWrite();
      return this.res;
    }
    const result = this.#end.apply(this.res, args);
    this.#work?.complete(this.#nowMs(), this.res.statusCode >= 500 ? 'failed' : 'succeeded');
    return result;
  }

  closed(): void {
    if (!this.res.writableEnded) this.#work?.clientGone(this.#nowMs());
  }
}

/** Whether a guard watches over this response already. */
export function isWatched(res: ServerResponse): boolean {
  return HOST in res;
}

function endWatched(this: ServerResponse & Watched, ...args: Parameters<ServerResponse['end']>): ServerResponse {
  const host = this[HOST];
  if (host === undefined) throw new Error('a watched response has no host');
  return host.end(args);
}

function closeWatched(this: ServerResponse & Watched): void {
  this[HOST]?.closed();
}

/** Makes a response that was answered for its handler deaf to what the handler still writes. */
function mute(res: Response, swallowed: () => void): void {
  const ignore = (): Response => {
    swallowed();
    return res;
  };
  const accept = (): boolean => {
    swallowed();
    return true;
  };
  const silent = (): Response => res;
  Object.assign(res, {
    end: ignore,
    write: accept,
    writeHead: silent,
    setHeader: silent,
    appendHeader: silent,
    removeHeader: () => {},
    flushHeaders: () => {},
  });
}
