import { withoutLeadingNoise } from '../core/leading-noise.js';

/** Words that a statement may be told by; the others could be anything. */
const OPERATIONS: ReadonlySet<string> = new Set([
  ...['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'MERGE', 'WITH', 'VALUES', 'COPY', 'CALL', 'TABLE', 'REPLACE'],
  ...['BEGIN', 'START', 'COMMIT', 'ROLLBACK', 'SAVEPOINT', 'RELEASE', 'SET', 'SHOW', 'EXPLAIN', 'LOCK'],
  ...['CREATE', 'ALTER', 'DROP', 'TRUNCATE', 'ANALYZE', 'VACUUM', 'REFRESH', 'DECLARE', 'FETCH', 'CLOSE', 'DO'],
]);

/** Further in nobody looks for the first word. */
const LOOKED_THROUGH = 2_000;

/** The first word of a statement in upper case, after comments and parentheses; `OTHER` for words that are not usual. */
export function operationOf(text: string): string {
  const [word = ''] = /[a-z]*/i.exec(withoutLeadingNoise(text.slice(0, LOOKED_THROUGH)).replace(/^[\s(]+/, '')) ?? [];
  const operation = word.toUpperCase();
  return OPERATIONS.has(operation) ? operation : 'OTHER';
}
