import type { TransactionOptions } from './contract.js';

const LEVELS = {
  'read committed': 'READ COMMITTED',
  'repeatable read': 'REPEATABLE READ',
  serializable: 'SERIALIZABLE',
} as const;

/** What a statement says for an isolation level. */
export function isolationLevel(isolation: NonNullable<TransactionOptions['isolation']>): string {
  return `ISOLATION LEVEL ${LEVELS[isolation]}`;
}

/**
 * Looks at what code without types may have asked for, before anything is sent.
 *
 * @throws TypeError for an isolation level that is not known.
 */
export function checkIsolation(options: { readonly isolation?: unknown } | undefined): void {
  const isolation = options?.isolation;
  if (isolation === undefined || (typeof isolation === 'string' && Object.hasOwn(LEVELS, isolation))) return;
  const known = Object.keys(LEVELS).join('", "');
  throw new TypeError(`isolation is ${JSON.stringify(isolation)}: use "${known}", or leave it out`);
}
