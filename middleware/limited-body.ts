import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { HttpProblem } from './problem.js';

/**
 * A body parser for `protect` that refuses a body over `maxBytes` with 413 as soon as that is known: from its declared
 * length before a byte is read, else from what has arrived. The parsers of Express read such a body to its end first,
 * however long that takes.
 *
 * @param maxBytes - Of the body as it is sent; a whole number from 0. The parser's own limit should be the same or more.
 * @throws RangeError for any other number.
 */
export function limitedBody(maxBytes: number, parse: RequestHandler): RequestHandler {
  if (!Number.isInteger(maxBytes) || maxBytes < 0) {
    throw new RangeError(`maxBytes is ${maxBytes}: use a whole number from 0`);
  }
  return (req, res, next) => {
    if (Number(req.headers['content-length']) > maxBytes) return next(tooLarge(maxBytes));
    // A body of a declared length cannot become longer than that.
    if (req.headers['transfer-encoding'] === undefined) return parse(req, res, next);
    return counted(maxBytes, parse, req, res, next);
  };
}

function counted(maxBytes: number, parse: RequestHandler, req: Request, res: Response, next: NextFunction): unknown {
  let bytes = 0;
  let over = false;
  const done = (error?: unknown): void => {
    req.off('data', count);
    if (!over) next(error);
  };
  const count = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes <= maxBytes) return;
    done(tooLarge(maxBytes));
    over = true;
  };
  const returned = parse(req, res, done);
  // After the parser: a listener makes the body flow, and it is the parser's to begin.
  req.on('data', count);
  return returned;
}

function tooLarge(maxBytes: number): HttpProblem {
  return new HttpProblem(413, `The body is larger than the ${maxBytes} bytes that this endpoint accepts.`);
}
