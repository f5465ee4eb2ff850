import type { ServerResponse } from 'node:http';
import type { Request, RequestHandler } from 'express';
import type { Logger } from '../src/telemetry/log.js';
import { kindOf } from '../src/telemetry/quietly.js';

const MAY_SEE: unique symbol = Symbol('sluice.details');

interface Marked {
  [MAY_SEE]?: (logger: Logger | undefined) => boolean;
}

/**
 * Withholds the explanations of refusals from outsiders, for everything that is mounted after it: they get `code`,
 * `title`, `outcome` and when to come back, but neither `detail` nor what was measured.
 *
 * @param maySee - Who gets them all the same. It is asked when a refusal is about to be sent and answers at once, for
 *   nothing waits then; what throws, or returns anything but true, says no. What is no answer (a promise is none) is
 *   logged once.
 */
export function problemDetails(maySee: (req: Request) => boolean): RequestHandler {
  if (typeof maySee !== 'function') {
    throw new TypeError('problemDetails() needs (req) => boolean: say who may see what was measured');
  }
  const check = new Check(maySee);
  return (req, res, next) => {
    const locals: Marked = res.locals;
    locals[MAY_SEE] = (logger) => check.allows(req, logger);
    next();
  };
}

/**
 * Whether the answer to this request must not tell what was measured.
 *
 * @param logger - Who hears of a check that says neither yes nor no.
 */
export function detailsWithheld(
  res: ServerResponse & { readonly locals?: Marked },
  logger: Logger | undefined,
): boolean {
  return res.locals?.[MAY_SEE]?.(logger) === false;
}

/** Asks the application, and complains once of what is no answer. */
class Check {
  readonly #maySee: (req: Request) => unknown;
  #complained = false;

  constructor(maySee: (req: Request) => unknown) {
    this.#maySee = maySee;
  }

  allows(req: Request, logger: Logger | undefined): boolean {
    try {
      const answer = this.#maySee(req);
      if (typeof answer !== 'boolean') this.#complain(logger, `returned ${kindOf(answer)}`);
      return answer === true;
    } catch (err) {
      this.#complain(logger, `threw ${err instanceof Error ? err.name : kindOf(err)}`, err);
      return false;
    }
  }

  /** What it says may hold data of the request: it goes to loggers that take fields, and into no sentence. */
  #complain(logger: Logger | undefined, found: string, err?: unknown): void {
    if (this.#complained || logger === undefined) return;
    this.#complained = true;
    logger.warn(
      { code: 'may_see_unusable', err },
      `the check of problemDetails() ${found}: return true or false at once. Nobody sees explanations for which it does ` +
        'not; this is said once',
    );
  }
}
