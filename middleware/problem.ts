import { type ServerResponse, STATUS_CODES } from 'node:http';
import { type PriorityRank, TOP_RANK } from '../src/core/priority.js';
import { retryAfterSeconds, spreadRetryMs } from '../src/core/retry-jitter.js';
import type { Refusal } from '../src/errors.js';
import type { Logger } from '../src/telemetry/log.js';
import { REFUSAL_CODES } from '../src/telemetry/refusal-codes.js';
import { detailsWithheld } from './problem-details.js';

/** A problem that is not Sluice's own: bad input, something missing, a conflict. */
export interface PlainProblem {
  /** An HTTP status from 400 to 599. */
  readonly status: number;
  /** One sentence for a person. */
  readonly detail: string;
  /** More members of the body, for example `code`, `type`, `title` or `instance`; never `status` or `detail`. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** How the wait that a refusal names is spread over those that were shed together. */
export interface RetrySpread {
  /** Uniform in [0, 1). Default `Math.random`. */
  readonly random?: () => number;
  /** The class of the request: the lower, the longer it is told to stay away. Default: the top class. */
  readonly rank?: PriorityRank | undefined;
}

/** How a problem is sent. */
export interface SendProblemOptions extends RetrySpread {
  /** Hears of a check of `problemDetails` that cannot be used. */
  readonly logger?: Logger;
  /** Ends the connection after the answer. Default: only for `draining`. */
  readonly close?: boolean;
  /** More headers, as a flat list of names and values. */
  readonly headers?: readonly string[];
}

/** What a handler may have announced of another answer, untrue of the problem; in small letters, as Node keeps them. */
const ABOUT_ANOTHER_ANSWER = [
  'content-encoding',
  'content-language',
  'content-range',
  'content-disposition',
  'transfer-encoding',
  'trailer',
  'etag',
  'last-modified',
  'cache-control',
  'expires',
] as const;

const PROBLEM = Symbol('sluice.problem');

interface Answered {
  [PROBLEM]?: true;
}

/** Express's own place for such marks, where there is one: a property of the response itself costs 2 µs. */
function placeOf(res: ServerResponse & { readonly locals?: object }): Answered {
  return res.locals ?? (res as Answered);
}

/** Whether this response carries a problem written by {@link sendProblem}. */
export function answeredWithProblem(res: ServerResponse): boolean {
  return placeOf(res)[PROBLEM] === true;
}

/**
 * Answers with `application/problem+json` (RFC 9457): in one write, without the framework's helpers, because this is
 * what an overloaded server does most. An answer that has begun, or a client that has left, is no error.
 *
 * @returns `false`, having done nothing, when an answer has already begun.
 */
export function sendProblem(
  res: ServerResponse,
  problem: Refusal | PlainProblem,
  options: SendProblemOptions = {},
): boolean {
  if (res.headersSent || res.writableEnded) return false;
  const waitMs = isRefusal(problem) ? stayAwayMs(problem, options) : undefined;
  const body = isRefusal(problem)
    ? refusalBody(problem, waitMs, detailsWithheld(res, options.logger))
    : plainBody(problem);
  const headers = [
    'Content-Type',
    'application/problem+json; charset=utf-8',
    'Content-Length',
    String(Buffer.byteLength(body)),
  ];
  if (waitMs !== undefined) headers.push('Retry-After', String(retryAfterSeconds(waitMs)));
  if (options.close ?? (isRefusal(problem) && problem.code === 'draining')) headers.push('Connection', 'close');
  if (options.headers !== undefined) headers.push(...options.headers);
  for (const name of ABOUT_ANOTHER_ANSWER) res.removeHeader(name);
  placeOf(res)[PROBLEM] = true;
  res.writeHead(problem.status, headers);
  if (res.req.method === 'HEAD') res.end();
  else res.end(body);
  return true;
}

/** By `outcome`, which only refusals have: an application may well give its own problems a `code`. */
function isRefusal(problem: Refusal | PlainProblem): problem is Refusal {
  return 'outcome' in problem;
}

function stayAwayMs({ code, retryAfterMs }: Refusal, options: SendProblemOptions): number | undefined {
  if (retryAfterMs === undefined || !Number.isFinite(retryAfterMs)) return undefined;
  const { random = Math.random, rank = TOP_RANK } = options;
  return spreadRetryMs(code, retryAfterMs, rank, random());
}

function refusalBody(refusal: Refusal, waitMs: number | undefined, withheld: boolean): string {
  return JSON.stringify({
    type: `urn:sluice:problem:${refusal.code}`,
    // The same in every answer (RFC 9457 §3.1.3); the detail says what happened this time.
    title: REFUSAL_CODES[refusal.code].title,
    status: refusal.status,
    detail: withheld ? undefined : refusal.detail,
    code: refusal.code,
    outcome: refusal.outcome,
    retry_after_ms: waitMs,
    measured: withheld ? undefined : refusal.measured,
  });
}

function plainBody({ status, detail, extra }: PlainProblem): string {
  const own = { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error' };
  try {
    return JSON.stringify({ ...own, ...extra, status, detail });
  } catch {
    // The extra members are the caller's; what JSON cannot express must not cost the answer.
    return JSON.stringify({ ...own, status, detail });
  }
}

/** An error that handlers throw to be answered as a problem; see {@link problem}. */
export class HttpProblem extends Error implements PlainProblem {
  override readonly name = 'HttpProblem';
  readonly status: number;
  readonly extra?: Readonly<Record<string, unknown>>;

  /** @throws RangeError when the status is not an integer from 400 to 599. */
  constructor(status: number, detail: string, extra?: Readonly<Record<string, unknown>>) {
    if (!Number.isInteger(status) || status < 400 || status > 599) {
      throw new RangeError(`status ${status} is not an error status: use an integer from 400 to 599`);
    }
    super(detail);
    this.status = status;
    if (extra !== undefined) this.extra = extra;
  }

  /** The same text as `message`: it goes to the client. */
  get detail(): string {
    return this.message;
  }
}

/**
 * An error to throw from a handler: `throw problem(409, 'out of stock', { sku })`.
 *
 * @param status - 400 to 599.
 * @param detail - One sentence for the client.
 * @param extra - More members of the body.
 */
export function problem(status: number, detail: string, extra?: Readonly<Record<string, unknown>>): HttpProblem {
  return new HttpProblem(status, detail, extra);
}
