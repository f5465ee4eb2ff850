import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { ErrorRequestHandler, Request } from 'express';
import { isSluiceError, type Refusal } from '../src/errors.js';
import { tellsOfClientGone } from '../src/gateway/failures.js';
import { ImplicitCommitError } from '../src/pools/implicit-commit.js';
import { quietly } from '../src/telemetry/quietly.js';
import { answeredWithProblem, HttpProblem, type PlainProblem, sendProblem } from './problem.js';
import { closesAfterRefusal } from './unread-body.js';
import { hostOf } from './watch.js';

/** Settings of {@link problemHandler}. */
export interface ProblemHandlerOptions {
  /**
   * Whether errors of any other kind are answered too, as 500 without a word about what went wrong. Default false:
   * they go on to the next error handler.
   */
  readonly catchAll?: boolean;
  /**
   * Hears of the errors that are answered with 500, which nobody else would: those of `catchAll`, and
   * {@link ImplicitCommitError}. Whether it fails itself, by throwing or by rejecting, is ignored. Default:
   * `console.error`.
   */
  readonly onError?: (error: unknown, req: Request) => void;
}

/** Serialisation failure and deadlock, in PostgreSQL's words and in MySQL's: the transaction was rolled back. */
const CONTENTION: ReadonlySet<unknown> = new Set(['40001', '40P01', 'ER_LOCK_DEADLOCK']);

const CONTENTION_REFUSAL: Refusal = {
  code: 'database_busy',
  status: 503,
  outcome: 'rolled_back',
  detail: 'The transaction met a conflicting one and was rolled back. A retry is safe.',
  retryAfterMs: 100,
};

/** The system is out of descriptors or memory; a parser that loads its tables late calls that a mistake of the client. */
const EXHAUSTED: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE', 'ENOMEM']);

const EXHAUSTED_PROBLEM: PlainProblem = { status: 503, detail: 'The server is out of resources at present.' };

/** No refusal: the application has to be mended, and a retry would end alike. Its `detail` has nothing of the statement. */
const IMPLICIT_COMMIT: PlainProblem = {
  status: 500,
  detail: 'The transaction did not stay whole: its work may have taken effect, look before you retry.',
  extra: {
    type: 'urn:sluice:problem:implicit_commit',
    title: 'A statement committed by the way',
    code: 'implicit_commit',
    outcome: 'unknown',
  },
};

const INTERNAL: PlainProblem = { status: 500, detail: 'The server met an error of its own.' };

/** What the body parsers say in `type`, as sentences that quote nothing of the body. */
const PARSER_DETAILS: ReadonlyMap<unknown, string> = new Map([
  ['entity.parse.failed', 'The body cannot be parsed as the type that it is declared to be.'],
  ['entity.too.large', 'The body is larger than this endpoint accepts.'],
  ['entity.verify.failed', 'The body did not pass verification.'],
  ['encoding.unsupported', 'The content encoding of the body is not supported.'],
  ['charset.unsupported', 'The character set of the body is not supported.'],
  ['parameters.too.many', 'The body has more parameters than this endpoint accepts.'],
  ['request.aborted', 'The request ended before its body was complete.'],
  ['request.size.invalid', 'The body does not have the length that the request declares.'],
]);

/**
 * The error handler for Sluice's errors, {@link HttpProblem}, the 4xx errors of body parsers and of `http-errors`,
 * database contention, and transactions that were committed by the way (`implicit_commit`): all become `application/problem+json`. It goes after the routes, in Express 4 and 5.
 *
 * What a handler throws after Sluice has answered its request (the deadline ran out), or because its client went away,
 * is swallowed.
 */
export function problemHandler(options: ProblemHandlerOptions = {}): ErrorRequestHandler {
  const { catchAll = false, onError = (error: unknown) => console.error(error) } = options;
  return (error: unknown, req, res, next) => {
    if (answeredWithProblem(res) || (res.destroyed && tellsOfClientGone(error))) return;
    if (res.headersSent) return next(error);
    const known = knownProblem(error);
    if (known !== undefined) {
      const host = hostOf(res);
      if ('outcome' in known) host?.failedWith(known);
      if (known === IMPLICIT_COMMIT) quietly(() => onError(error, req));
      const close = closesAfterRefusal(req) || (isSluiceError(known) && known.code === 'draining');
      sendProblem(res, known, { ...host?.sending, close, headers: declaredHeaders(error) });
    } else if (catchAll) {
      quietly(() => onError(error, req));
      sendProblem(res, INTERNAL);
    } else {
      next(error);
    }
  };
}

/** Whether an error is meant as an answer, so that one which comes too late tells of nothing to be mended. */
export function answersKnown(error: unknown): boolean {
  const known = knownProblem(error);
  return known !== undefined && known !== IMPLICIT_COMMIT;
}

function knownProblem(error: unknown): Refusal | PlainProblem | undefined {
  if (isSluiceError(error) || error instanceof HttpProblem) return error;
  if (error instanceof ImplicitCommitError) return IMPLICIT_COMMIT;
  if (typeof error !== 'object' || error === null) return undefined;
  if ('code' in error && CONTENTION.has(error.code)) return CONTENTION_REFUSAL;
  const status = clientStatus(error);
  if (status === undefined) return undefined;
  if ('code' in error && EXHAUSTED.has(error.code)) return EXHAUSTED_PROBLEM;
  if (error instanceof URIError) return { status, detail: 'The path holds an escape sequence that is not valid.' };
  // Only `expose` says that the message was written for the client.
  if (!('expose' in error) || error.expose !== true) return undefined;
  const parserDetail = 'type' in error ? PARSER_DETAILS.get(error.type) : undefined;
  const message = 'message' in error && typeof error.message === 'string' ? error.message : '';
  return { status, detail: parserDetail ?? message };
}

function clientStatus(error: object): number | undefined {
  const status = 'status' in error ? error.status : 'statusCode' in error ? error.statusCode : undefined;
  const valid = typeof status === 'number' && Number.isInteger(status) && status >= 400 && status <= 499;
  return valid ? status : undefined;
}

/** Headers that an error of `http-errors` asks for, such as `Allow` and `WWW-Authenticate`; invalid ones are left out. */
function declaredHeaders(error: unknown): string[] {
  if (typeof error !== 'object' || error === null || !('headers' in error)) return [];
  if (typeof error.headers !== 'object' || error.headers === null) return [];
  return Object.entries(error.headers).flatMap(([name, value]) => (isHeader(name, value) ? [name, value] : []));
}

function isHeader(name: string, value: unknown): value is string {
  if (typeof value !== 'string') return false;
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return true;
  } catch {
    return false;
  }
}
