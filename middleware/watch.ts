import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request, Response } from 'express';
import type { HttpHost } from './http-host.js';

const HOST: unique symbol = Symbol('sluice.host');
const PREPARED: unique symbol = Symbol('sluice.prepared');

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
 * A property that is added to a request or a response costs 2 µs each time, because Express has changed its prototype:
 * as much as everything else that a guard does. So `end` and `sluice` go into the application's own prototypes
 * (`app.request`, `app.response`), once per application, and the host into `res.locals`.
 */
export function watch(req: Request, res: Response, host: HttpHost): void {
  if (!(PREPARED in res)) prepare(req, res);
  // Compression or a session in front of the guard has given this response an `end` of its own, which ends it later.
  if (Object.hasOwn(res, 'end') && !Object.hasOwn(res, PREPARED)) Object.assign(res, { end: endWatched(res.end) });
  const locals: Locals = res.locals;
  locals[HOST] = host;
  // A closure rather than a look into `res.locals`, which a handler may replace.
  res.on('close', () => host.closed());
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
  return function endOfAnswer(this: ServerResponse, ...args: Parameters<ServerResponse['end']>): ServerResponse {
    const host = hostOf(this);
    return host === undefined ? end.apply(this, args) : host.end(end, args);
  } as ServerResponse['end'];
}

function writeWatched(write: ServerResponse['write']): ServerResponse['write'] {
  return function writeOfAnswer(this: ServerResponse, ...args: Parameters<ServerResponse['write']>): boolean {
    return hostOf(this)?.swallowsWrite() === true || write.apply(this, args);
  } as ServerResponse['write'];
}
