import { isLimited, wholeLimitMs } from './limit-steps.js';

/** Limits that one transaction sets for itself, and that end with it. */
export interface LocalLimits {
  /** For each statement, in milliseconds; `undefined` or `Infinity` sets none. */
  readonly statementMs: number | undefined;
  /** For each wait for a lock, in milliseconds; 0 sets none. */
  readonly lockMs: number;
}

/** The statements that set them, to stand before others in a message without parameters; none when there is no limit. */
export function localLimitsText(limits: LocalLimits): string {
  if (!isLimited(limits.statementMs) && limits.lockMs <= 0) return '';
  return settings(limits)
    .map(([name, value]) => `SET LOCAL ${name} = ${value}; `)
    .join('');
}

/**
 * The same as one statement of a pipeline. There `SET LOCAL` works just as well, but the server would warn of it in its
 * log every time.
 */
export function localLimitsCall(limits: LocalLimits): string | undefined {
  const calls = settings(limits).map(([name, value]) => `set_config('${name}', '${value}', true)`);
  return calls.length === 0 ? undefined : `SELECT ${calls.join(', ')}`;
}

function settings({ statementMs, lockMs }: LocalLimits): readonly (readonly [string, number])[] {
  return [
    ...(isLimited(statementMs) ? [['statement_timeout', wholeLimitMs(statementMs)] as const] : []),
    ...(lockMs > 0 ? [['lock_timeout', wholeLimitMs(lockMs)] as const] : []),
  ];
}
