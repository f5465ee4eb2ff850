import type { ServerResponse } from 'node:http';
import type { Request, RequestHandler } from 'express';

const MAY_SEE: unique symbol = Symbol('sluice.details');

interface Marked {
  [MAY_SEE]?: () => boolean;
}

/**
 * Withholds the explanations of refusals from outsiders, for everything that is mounted after it: they get `code`,
 * `title`, `outcome` and when to come back, but neither `detail` nor what was measured.
 *
 * @param maySee - Who gets them all the same. It is asked when a refusal is about to be sent; what throws says no.
 */
export function problemDetails(maySee: (req: Request) => boolean): RequestHandler {
  if (typeof maySee !== 'function') {
    throw new TypeError('problemDetails() needs (req) => boolean: say who may see what was measured');
  }
  return (req, res, next) => {
    const locals: Marked = res.locals;
    locals[MAY_SEE] = () => maySee(req);
    next();
  };
}

/** Whether the answer to this request must not tell what was measured. */
export function detailsWithheld(res: ServerResponse & { readonly locals?: Marked }): boolean {
  const maySee = res.locals?.[MAY_SEE];
  if (maySee === undefined) return false;
  try {
    return maySee() !== true;
  } catch {
    return true;
  }
}
