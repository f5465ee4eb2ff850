import { AnsweredError, tellsOfClientGone } from '../src/gateway/failures.js';
import type { HttpHost } from './http-host.js';
import { answersKnown } from './problem-handler.js';

/** Causes are followed so far; an error may well lead back to itself. */
const DEEPEST_CAUSE = 8;

/**
 * Tells of an error of a handler whose answer is out: no error handler can do anything with it, and nobody would ever
 * know. What only tells that the answer is out, or that the deadline or the client's leaving ended the work, is no news.
 */
export function tellLateError({ work, gateway }: HttpHost, error: unknown): void {
  const route = work.route.name;
  const text = `route "${route}": the handler failed after its answer`;
  if (work.handler.stopped && comesFrom(error, tellsOfTheStop)) return;
  if (comesFrom(error, tellsOfClientGone)) return;
  if (comesFrom(error, (each) => each instanceof AnsweredError)) {
    gateway.logger.warn(
      { code: 'work_after_answer', route },
      `${text}, because it asked for the database then, and that was not done: answer last, or give it to gateway.run()`,
    );
    return;
  }
  gateway.logger.error(
    { code: 'failed_after_answer', route, err: error },
    `${text}, and no error handler hears of it: ${named(error)}`,
  );
}

/** What was asked of a request that was stopped, or heard of its signal. */
function tellsOfTheStop(error: unknown): boolean {
  return answersKnown(error) || (error instanceof Error && error.name === 'AbortError');
}

function comesFrom(error: unknown, wanted: (error: unknown) => boolean): boolean {
  let each = error;
  for (let depth = 0; depth < DEEPEST_CAUSE; depth++) {
    if (wanted(each)) return true;
    if (!(each instanceof Error)) return false;
    each = each.cause;
  }
  return false;
}

function named(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : `what was thrown is no Error but ${typeof error}`;
}
