import type { Request, RequestHandler } from 'express';
import type { Timer } from '../../src/clock.js';
import type { Gateway } from '../../src/gateway.js';
import { sendProblem } from '../problem.js';

/** Who may look is no question for longer: without an answer nobody may. */
const ANSWER_MS = 10_000;

/** Whether this request may look; rejects where that cannot be told. */
export type MayLook = (req: Request) => Promise<boolean>;

/** The check of the application, which answers within 10 s or rejects; that it gives no answer is told once. */
export function mayLookBy(
  authorize: (req: Request) => boolean | Promise<boolean>,
  { clock, logger }: Pick<Gateway, 'clock' | 'logger'>,
): MayLook {
  let told = false;
  const tell = (what: string, err?: unknown): void => {
    if (told) return;
    told = true;
    // What an error says may hold data of the request: it goes to loggers that take fields, and into no sentence.
    logger.warn(
      { code: 'authorize_failed', ...(err === undefined ? {} : { err }) },
      `authorize of operations() ${what}: nobody may look then; let it return true or false. This is said once`,
    );
  };
  return async (req) => {
    let limit: Timer | undefined;
    const silence = new Promise<never>((_, reject) => {
      limit = clock.after(ANSWER_MS, () => reject(new SilentCheckError()));
    });
    try {
      return (await Promise.race([authorize(req), silence])) === true;
    } catch (error) {
      if (error instanceof SilentCheckError) tell(`gave no answer within ${ANSWER_MS / 1_000} s`);
      else tell(`threw or rejected with ${error instanceof Error ? error.name : `a ${typeof error}`}`, error);
      throw error;
    } finally {
      limit?.cancel();
    }
  };
}

/** Lets only those through who may look. */
export function guardedBy(mayLook: MayLook): RequestHandler {
  return (req, res, next) => {
    mayLook(req)
      .then(
        (allowed) => {
          if (allowed) next();
          else sendProblem(res, { status: 403, detail: 'These figures are for operators.' });
        },
        (error: unknown) =>
          sendProblem(res, {
            // Silence passes, and who asks again may be told; a check that throws has to be mended.
            status: error instanceof SilentCheckError ? 503 : 500,
            detail: 'Whether you may see these figures cannot be told now.',
          }),
      )
      .catch(next);
  };
}

class SilentCheckError extends Error {
  override readonly name = 'SilentCheckError';
}
