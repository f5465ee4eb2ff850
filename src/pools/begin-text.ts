import type { TransactionOptions } from './contract.js';
import { type LocalLimits, localLimitsCall, localLimitsText } from './local-limits.js';
import { isolationLevel } from './transaction-options.js';

/** Opens a transaction and sets the limits of its statements in one message; they end with the transaction. */
export function beginText(limits: LocalLimits, options: TransactionOptions | undefined): string {
  const local = localLimitsText(limits);
  return local === '' ? beginOf(options) : `${beginOf(options)}; ${local.slice(0, -2)}`;
}

/** The same as statements of a pipeline, for a first statement to follow in the same message. */
export function beginStatements(limits: LocalLimits, options: TransactionOptions | undefined): readonly string[] {
  const call = localLimitsCall(limits);
  return call === undefined ? [beginOf(options)] : [beginOf(options), call];
}

function beginOf(options: TransactionOptions | undefined): string {
  const isolation = options?.isolation === undefined ? '' : ` ${isolationLevel(options.isolation)}`;
  return `BEGIN${isolation}${options?.readOnly === true ? ' READ ONLY' : ''}`;
}
