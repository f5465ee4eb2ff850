import type { TransactionOptions } from './contract.js';
import { isLimited, wholeLimitMs } from './limit-steps.js';

const ISOLATION = {
  'read committed': 'READ COMMITTED',
  'repeatable read': 'REPEATABLE READ',
  serializable: 'SERIALIZABLE',
} as const;

/** Opens a transaction and sets the limit of its statements in one message; the limit ends with the transaction. */
export function beginText(limitMs: number | undefined, options: TransactionOptions | undefined): string {
  const isolation = options?.isolation === undefined ? '' : ` ISOLATION LEVEL ${ISOLATION[options.isolation]}`;
  const begin = `BEGIN${isolation}${options?.readOnly === true ? ' READ ONLY' : ''}`;
  if (!isLimited(limitMs)) return begin;
  return `${begin}; SET LOCAL statement_timeout = ${wholeLimitMs(limitMs)}`;
}
