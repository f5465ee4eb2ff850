import { AsyncResource } from 'node:async_hooks';
import type { ServerResponse } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import type { ErrorCode, Refusal } from '../src/errors.js';
import type { OpenAnswer, OpenAnswers } from '../src/gateway/open-answers.js';
import type { RequestHandle } from '../src/gateway/request-handle.js';
import type { RequestWork } from '../src/gateway/request-work.js';
import type { WorkHost } from '../src/gateway/work-contract.js';
import { sendProblem } from './problem.js';
import { closesAfterRefusal } from './unread-body.js';
import { watch } from './watch.js';

/** What the guard does once the seat is there. */
export type Proceed = (host: HttpHost) => void;

/** The HTTP side of one request: answers refusals, and tells the work when the answer is complete or the client gone. */
export class HttpHost implements WorkHost, OpenAnswer {
  readonly req: Request;
  readonly res: Response;
  readonly next: NextFunction;
  readonly #proceed: Proceed;
  readonly #nowMs: () => number;
  readonly #answers: OpenAnswers;
  #work: RequestWork | undefined;
  #handle: RequestHandle | undefined;
  /** The async context of a request that waits, which must not become that of the one that made room for it. */
  #context: AsyncResource | undefined;

  constructor(
    req: Request,
    res: Response,
    next: NextFunction,
    proceed: Proceed,
    nowMs: () => number,
    answers: OpenAnswers,
  ) {
    this.req = req;
    this.res = res;
    this.next = next;
    this.#proceed = proceed;
    this.#nowMs = nowMs;
    this.#answers = answers;
  }

  /** The work of this request, once classified. */
  get work(): RequestWork {
    if (this.#work === undefined) throw new Error('the request has not been classified yet');
    return this.#work;
  }

  /** Watches over the response from now on. */
  watch(work: RequestWork): void {
    this.#work = work;
    this.#answers.add(this);
    watch(this.req, this.res, this);
  }

  /** What the handler holds as `req.sluice`: nothing before it runs. */
  get handle(): RequestHandle | undefined {
    return this.#handle;
  }

  /** Gives the handler its handle. */
  admit(handle: RequestHandle): void {
    this.#handle = handle;
  }

  /** A response that waits behind another on a dead connection never hears of its end; the connection knows. */
  get onItsWay(): boolean {
    return !this.res.writableFinished && !this.req.socket.destroyed;
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
    // A body that did not come in time is not waited for any longer.
    const late = refusal.code === 'deadline_expired' && !this.req.complete;
    const close = late || closesAfterRefusal(this.req) || refusal.code === 'draining';
    sendProblem(this.res, refusal, { close });
  }

  expire(refusal: Refusal): void {
    const sent = sendProblem(this.res, refusal);
    // An answer that has begun cannot be taken back; cutting it off is the only way to say that it is not whole.
    if (!sent && !this.res.writableEnded) this.res.destroy();
    mute(this.res, () => this.work.route.stats.swallowLateWrite());
  }

  /** Counts the error that an admitted request is answered with. */
  failedWith(code: ErrorCode): void {
    if (this.#handle !== undefined) this.work.route.stats.answerWith(code);
  }

  streaming(): boolean {
    return this.res.headersSent;
  }

  /** Calls the response's own `end` and tells the work. */
  end(end: ServerResponse['end'], args: Parameters<ServerResponse['end']>): ServerResponse {
    // A second answer would become an error event that nobody listens for, and end the process.
    if (args[0] !== undefined && typeof args[0] !== 'function' && this.swallowsWrite()) return this.res;
    const result = end.apply(this.res, args);
    this.#complete();
    return result;
  }

  /** Whether the answer is complete, so that what is written now would be an error event that nobody listens for. */
  swallowsWrite(): boolean {
    if (!this.res.writableEnded) return false;
    this.#work?.route.stats.swallowLateWrite();
    return true;
  }

  /** The connection has closed, or the answer is out. */
  closed(): void {
    this.#answers.remove(this);
    if (!this.res.writableEnded) this.#work?.clientGone(this.#nowMs());
    else this.#complete();
  }

  #complete(): void {
    this.#work?.complete(this.#nowMs(), this.res.statusCode >= 500 ? 'failed' : 'succeeded');
  }
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
