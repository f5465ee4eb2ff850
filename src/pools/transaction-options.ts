import { checkKnownOptions } from '../core/known-options.js';
import type { TransactionOptions } from './contract.js';

const LEVELS = {
  'read committed': 'READ COMMITTED',
  'repeatable read': 'REPEATABLE READ',
  serializable: 'SERIALIZABLE',
} as const;
const KNOWN = ['isolation', 'readOnly', 'retry'] as const;

/** What a statement says for an isolation level. */
export function isolationLevel(isolation: NonNullable<TransactionOptions['isolation']>): string {
  return `ISOLATION LEVEL ${LEVELS[isolation]}`;
}

/**
 * Looks at what code without types may have asked for, before anything is sent: what is not understood would be done
 * otherwise than it was meant.
 *
 * @throws TypeError for an isolation level that is not known, a `readOnly` that is no boolean, or an unknown field.
 */
export function checkTransactionOptions(options: object | undefined): void {
  checkKnownOptions('a transaction', options, KNOWN);
  if (options === undefined) return;
  const { isolation, readOnly }: { readonly isolation?: unknown; readonly readOnly?: unknown } = options;
  if (readOnly !== undefined && typeof readOnly !== 'boolean') {
    throw new TypeError(`readOnly is ${JSON.stringify(readOnly)}: use true or false, or leave it out`);
  }
  if (isolation === undefined || (typeof isolation === 'string' && Object.hasOwn(LEVELS, isolation))) return;
  const known = Object.keys(LEVELS).join('", "');
  throw new TypeError(`isolation is ${JSON.stringify(isolation)}: use "${known}", or leave it out`);
}
