import { createHash } from 'node:crypto';

/** Half of a pair alone: UTF-8 has none, and writes the same sign for each. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * What a bucket is called in Redis. How callers are called is nobody's business there, and may be a secret: their keys
 * are hashed, and two that differ in anything have names that do.
 */
export function bucketName(key: string): string {
  const caller = key.indexOf(':caller:');
  if (caller < 0) return key;
  const called = key.slice(caller);
  // All others keep the name that instances of another version know them by.
  const bytes = Buffer.from(called, LONE_SURROGATE.test(called) ? 'utf16le' : 'utf8');
  const hash = createHash('sha256').update(bytes).digest('base64url').slice(0, 22);
  return `${key.slice(0, caller)}:caller:${hash}`;
}
