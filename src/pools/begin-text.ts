import type { TransactionOptions } from './contract.js';
import { type LocalLimits, localLimitsText } from './local-limits.js';

const ISOLATION = {
  'read committed': 'READ COMMITTED',
  'repeatable read': 'REPEATABLE READ',
  serializable: 'SERIALIZABLE',
} as const;

/** Opens a transaction and sets the limits of its statements in one message; they end with the transaction. */
export function beginText(limits: LocalLimits, options: TransactionOptions | undefined): string {
  const isolation = options?.isolation === undefined ? '' : ` ISOLATION LEVEL ${ISOLATION[options.isolation]}`;
  const begin = `BEGIN${isolation}${options?.readOnly === true ? ' READ ONLY' : ''}`;
  const local = localLimitsText(limits);
  return local === '' ? begin : `${begin}; ${local.slice(0, -2)}`;
}
