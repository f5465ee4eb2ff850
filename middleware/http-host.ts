import { AsyncResource } from 'node:async_hooks';
import type { ServerResponse } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import type { Refusal } from '../src/errors.js';
import type { OpenAnswer } from '../src/gateway/open-answers.js';
import { RequestHandle } from '../src/gateway/request-handle.js';
import type { RequestWork } from '../src/gateway/request-work.js';
import type { WorkHost } from '../src/gateway/work-contract.js';
import type { Gateway } from '../src/gateway.js';
import { CLIENT_CLOSED, knownMethod } from '../src/telemetry/http-times.js';
import { mute } from './mute.js';
import { PathTemplate } from './path-template.js';
import { type SendProblemOptions, sendProblem } from './problem.js';
import { endUnread, takenBytes } from './socket-progress.js';
import { closesAfterRefusal } from './unread-body.js';
import { watch } from './watch.js';

/** Whose requests these are. */
export interface HostGuard {
  readonly gateway: Gateway;
  /** Whether the answers of its route tell where the time went. */
  readonly timed: boolean;
  /** The seat is there: run the handler. */
  run(host: HttpHost): void;
}

/** The HTTP side of one request: answers refusals, and tells the work when the answer is complete or the client gone. */
export class HttpHost implements WorkHost, OpenAnswer {
  readonly req: Request;
  readonly res: Response;
  readonly next: NextFunction;
  readonly #guard: HostGuard;
  #work: RequestWork | undefined;
  #admitted = false;
  #told = false;
  #template: PathTemplate | undefined;
  #handle: RequestHandle | undefined;
  /** The async context of a request that waits, which must not become that of the one that made room for it. */
  #context: AsyncResource | undefined;

  constructor(req: Request, res: Response, next: NextFunction, guard: HostGuard) {
    this.req = req;
    this.res = res;
    this.next = next;
    this.#guard = guard;
  }

  /** The work of this request, once classified. */
  get work(): RequestWork {
    if (this.#work === undefined) throw new Error('the request has not been classified yet');
    return this.#work;
  }

  get gateway(): Gateway {
    return this.#guard.gateway;
  }

  get timed(): boolean {
    return this.#guard.timed;
  }

  /** Watches over the response from now on. */
  watch(work: RequestWork): void {
    this.#work = work;
    if (work.watch !== undefined) this.#template = new PathTemplate(this.req);
    this.#guard.gateway.answers.add(this);
    watch(this.req, this.res, this);
  }

  /** From now on the handler may have its handle. */
  admit(): void {
    this.#admitted = true;
  }

  /** What the handler holds as `req.sluice`: nothing before it runs, and made for those that ask. */
  get handle(): RequestHandle | undefined {
    if (this.#admitted) this.#handle ??= new RequestHandle(this.work, this.#guard.gateway);
    return this.#handle;
  }

  /** A response that waits behind another on a dead connection never hears of its end; the connection knows. */
  get onItsWay(): boolean {
    return !this.res.writableFinished && !this.req.socket.destroyed;
  }

  get takenBytes(): number | undefined {
    return takenBytes(this.req.socket);
  }

  get keepsConnection(): boolean {
    return this.#work?.handler.idle === false;
  }

  cutOff(): void {
    endUnread(this.req.socket);
  }

  endConnection(): void {
    if (!this.res.headersSent) this.res.shouldKeepAlive = false;
  }

  endWork(nowMs: number): void {
    this.#work?.drained(nowMs);
  }

  /** Keeps the async context while the request waits. */
  wait(): void {
    this.#context = new AsyncResource('SluiceQueued');
  }

  proceed(): void {
    if (this.#context === undefined) this.#guard.run(this);
    else this.#context.runInAsyncScope(this.#guard.run, this.#guard, this);
  }

  /** How its problems are sent: how long it is told to stay away is spread by its class. */
  get sending(): SendProblemOptions {
    return this.#sending(this.#work);
  }

  #sending(work: RequestWork | undefined): SendProblemOptions {
    const { random, logger } = this.#guard.gateway;
    return { random, logger, rank: work?.ticket.rank };
  }

  /** @param work - Given where it was refused before it was watched. */
  refuse(refusal: Refusal, work: RequestWork = this.work): void {
    // A body that did not come in time is not waited for any longer.
    const late = refusal.code === 'deadline_expired' && !this.req.complete;
    const close = late || closesAfterRefusal(this.req) || refusal.code === 'draining';
    sendProblem(this.res, refusal, { ...this.#sending(work), close });
    this.#tellAnswer(work, refusal.status);
  }

  expire(refusal: Refusal): void {
    const sent = sendProblem(this.res, refusal, this.sending);
    // An answer that has begun cannot be taken back; cutting it off is the only way to say that it is not whole.
    if (!sent && !this.res.writableEnded) this.res.destroy();
    mute(this.res, () => this.work.route.stats.swallowLateWrite());
  }

  /** Counts the error that an admitted request is answered with. */
  failedWith(refusal: Refusal): void {
    if (this.#admitted) this.work.handler.failedWith(this.#guard.gateway.clock.nowMs(), refusal);
  }

  streaming(): boolean {
    return this.res.headersSent;
  }

  /** Calls the response's own `end` and tells the work. */
  end(end: ServerResponse['end'], args: Parameters<ServerResponse['end']>): ServerResponse {
    // A second answer would become an error event that nobody listens for, and end the process.
    if (args[0] !== undefined && typeof args[0] !== 'function' && this.swallowsWrite()) return this.res;
    // Read before, as Node reads it too: afterwards the response has another hidden class. See `watch`.
    const { statusCode } = this.res;
    // Whoever reads the body hears that it will not come before the response hears that its client is gone.
    if (statusCode >= 400 && !this.work.answered && this.#clientLeft) this.#leave();
    const result = end.apply(this.res, args);
    this.#complete(statusCode);
    return result;
  }

  /** The body cannot be read, and what the parser says of it will be the answer. */
  unread(nowMs: number): void {
    if (this.#clientLeft) this.#leave();
    this.work.clientGone(nowMs);
  }

  get #clientLeft(): boolean {
    return this.req.socket.destroyed;
  }

  #leave(): void {
    this.#tellAnswer(this.work, CLIENT_CLOSED);
    this.work.clientGone(this.#guard.gateway.clock.nowMs());
  }

  /** Whether the answer is complete, so that what is written now would be an error event that nobody listens for. */
  swallowsWrite(): boolean {
    if (!this.work.answered || !this.res.writableEnded) return false;
    this.work.route.stats.swallowLateWrite();
    return true;
  }

  /** The connection has closed, or the answer is out. */
  closed(): void {
    const { answers, clock } = this.#guard.gateway;
    answers.remove(this);
    this.#tellAnswer(this.work, this.res.writableEnded || this.work.answered ? this.res.statusCode : CLIENT_CLOSED);
    if (this.work.answered) return;
    if (!this.res.writableEnded) this.work.clientGone(clock.nowMs());
    else this.#complete(this.res.statusCode);
  }

  #complete(statusCode: number): void {
    this.#tellAnswer(this.work, statusCode);
    this.work.complete(this.#guard.gateway.clock.nowMs(), statusCode >= 500 ? 'failed' : 'succeeded');
  }

  /** Counts the answer, once, with how long it took since its request arrived. */
  #tellAnswer({ route, ticket, watch }: RequestWork, status: number): void {
    if (this.#told) return;
    this.#told = true;
    const { req } = this;
    const method = knownMethod(req.method);
    const durationMs = this.#guard.gateway.clock.nowMs() - ticket.arrivedAtMs;
    route.stats.http.observe(method, status, durationMs);
    if (watch === undefined) return;
    const scheme = 'encrypted' in req.socket && req.socket.encrypted === true ? 'https' : 'http';
    const template = (this.#template ?? new PathTemplate(req)).of(req);
    watch.answered(method, status, scheme, template, durationMs);
  }
}
