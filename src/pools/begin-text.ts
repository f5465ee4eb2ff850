import type { TransactionOptions } from './contract.js';
import { isolationLevel } from './isolation.js';
import { type LocalLimits, localLimitsText } from './local-limits.js';

/** Opens a transaction and sets the limits of its statements in one message; they end with the transaction. */
export function beginText(limits: LocalLimits, options: TransactionOptions | undefined): string {
  const isolation = options?.isolation === undefined ? '' : ` ${isolationLevel(options.isolation)}`;
  const begin = `BEGIN${isolation}${options?.readOnly === true ? ' READ ONLY' : ''}`;
  const local = localLimitsText(limits);
  return local === '' ? begin : `${begin}; ${local.slice(0, -2)}`;
}
