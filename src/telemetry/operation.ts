import { withoutLeadingNoise } from '../core/leading-noise.js';

/** Words that a statement may be told by; the others could be anything. */
const OPERATIONS: ReadonlySet<string> = new Set([
  ...['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'MERGE', 'WITH', 'VALUES', 'COPY', 'CALL', 'TABLE', 'REPLACE'],
  ...['BEGIN', 'START', 'COMMIT', 'ROLLBACK', 'SAVEPOINT', 'RELEASE', 'SET', 'SHOW', 'EXPLAIN', 'LOCK'],
  ...['CREATE', 'ALTER', 'DROP', 'TRUNCATE', 'ANALYZE', 'VACUUM', 'REFRESH', 'DECLARE', 'FETCH', 'CLOSE', 'DO'],
]);

/**
 * The first word of a statement in upper case, after comments and parentheses; `OTHER` for words that are not usual.
 *
 * @param system - Tells whether comments nest.
 */
export function operationOf(text: string, system: 'mysql' | 'postgresql'): string {
  const nests = system === 'postgresql';
  let rest = withoutLeadingNoise(text, nests);
  while (rest.startsWith('(')) rest = withoutLeadingNoise(rest.slice(1), nests);
  // Bounded: what has no space in it may be long.
  const [word = ''] = /^[a-z]{1,20}\b/i.exec(rest) ?? [];
  const operation = word.toUpperCase();
  return OPERATIONS.has(operation) ? operation : 'OTHER';
}
