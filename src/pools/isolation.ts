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
