import { isSluiceError } from '../../errors.js';

/** SQLSTATEs, and the codes of MySQL and of the system. Anything else could be data of somebody. */
const CODE = /^(?:[0-9A-Z]{5}|E[A-Z_]{2,60})$/;
const NAME = /^[A-Z][A-Za-z]{1,60}$/;

/** What an attribute may say of an error: a code or the name of its class, never its message. */
export function errorType(error: unknown): string {
  if (isSluiceError(error)) return error.code;
  if (!(error instanceof Error)) return '_OTHER';
  const code = 'code' in error ? error.code : undefined;
  if (typeof code === 'string' && CODE.test(code)) return code;
  return NAME.test(error.name) ? error.name : '_OTHER';
}
