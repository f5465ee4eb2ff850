import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request, Response } from 'express';
import type { HttpHost } from './http-host.js';

const { on } = EventEmitter.prototype;

const HOST: unique symbol = Symbol('sluice.host');
const PREPARED: unique symbol = Symbol('sluice.prepared');
/** Marks the `end` that tells a host. */
const WATCHED: unique symbol = Symbol('sluice.watched');

/** What Express documents of its applications and its types leave out. */
interface Application {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly parent?: unknown;
}

/** Where the host of a response is kept: Express gives every response an object for such things. */
interface Locals {
  [HOST]?: HttpHost;
}

/** The guard's host of this response; `undefined` where no guard has seen it. */
export function hostOf(res: ServerResponse & { readonly locals?: Locals }): HttpHost | undefined {
  return res.locals?.[HOST];
}

/**
 * Lets a host watch over a response: `end` and `close` are told to it, and `req.sluice` is its handle.
 *
 * Express changes the prototype of every request and response, so that each has a hidden class of its own: the engine
 * finds no property in its caches, and each name that is read for the first time costs 0.5 µs, each that is added 2 µs.
 * That is what a guard costs. So `end` and `sluice` go into the application's own prototypes (`app.request`,
 * `app.response`), once per application, the host into `res.locals`, and here and in the host no property is read
 * that Express or Node would not read anyway, as far as it can be helped.
 */
export function watch(req: Request, res: Response, host: HttpHost): void {
  if (!(WATCHED in res.end)) watchEnd(req, res);
  const locals: Locals = res.locals;
  locals[HOST] = host;
  // A closure rather than a look into `res.locals`, which a handler may replace.
  on.call(res, 'close', () => host.closed());
  if (res.socket === null) watchPipelined(req, host);
}

/**
 * Watches over a response that waits behind another one of its connection (pipelining): Node tells the end of a connection
 * to the response in front alone, and to all requests.
 */
function watchPipelined(req: Request, host: HttpHost): void {
  // Gone before the guard saw the request: nobody will be told any more.
  if (req.socket.destroyed) process.nextTick(() => host.closed());
  else on.call(req, 'close', () => req.socket.destroyed && host.closed());
}

function watchEnd(req: Request, res: Response): void {
  if (!(PREPARED in res)) prepare(req, res);
  // Compression or a session in front of the guard has given this response an `end` of its own, which ends it later.
  if (!(WATCHED in res.end)) Object.assign(res, { end: endWatched(res.end) });
}

/** Prepares the whole application, or this one pair outside of one. */
function prepare(req: Request, res: Response): void {
  const app = topmost(req.app as unknown);
  if (app === undefined) Object.assign(res, { locals: res.locals ?? {}, req });
  if (app === undefined) Object.assign(req, { res });
  const request: IncomingMessage = app?.request ?? req;
  const response: ServerResponse = app?.response ?? res;
  const { end, write } = response;
  Object.defineProperties(response, {
    [PREPARED]: { value: true },
    end: { value: endWatched(end), writable: true, configurable: true },
    write: { value: writeWatched(write), writable: true, configurable: true },
  });
  Object.defineProperty(request, 'sluice', { get: readHandle, configurable: true });
}

/** A mounted application's prototypes inherit from those of the one it is mounted in. */
function topmost(app: unknown): Application | undefined {
  if (!isApplication(app)) return undefined;
  return topmost(app.parent) ?? app;
}

function isApplication(value: unknown): value is Application {
  return typeof value === 'function' && 'response' in value;
}

function readHandle(this: Request): HttpHost['handle'] {
  return this.res === undefined ? undefined : hostOf(this.res)?.handle;
}

function endWatched(end: ServerResponse['end']): ServerResponse['end'] {
  function endOfAnswer(this: ServerResponse, ...args: Parameters<ServerResponse['end']>): ServerResponse {
    const host = hostOf(this);
    return host === undefined ? end.apply(this, args) : host.end(end, args);
  }
  return Object.assign(endOfAnswer as ServerResponse['end'], { [WATCHED]: true });
}

function writeWatched(write: ServerResponse['write']): ServerResponse['write'] {
  return function writeOfAnswer(this: ServerResponse, ...args: Parameters<ServerResponse['write']>): boolean {
    return hostOf(this)?.swallowsWrite() === true || write.apply(this, args);
  } as ServerResponse['write'];
}
