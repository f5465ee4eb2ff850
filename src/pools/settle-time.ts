const AFTER_SHUTDOWN_MS = 3;
const AFTER_CRASH_MS = 15;

/**
 * How long the siblings of a lost session get to be lost as well, in milliseconds, so that one restart is one outage. A
 * server that shuts down says so with a code; a crash, which has none, takes longer to reach them all.
 */
export function settleMs(loss: unknown): number {
  const hasCode = typeof loss === 'object' && loss !== null && 'code' in loss && loss.code !== undefined;
  return hasCode ? AFTER_SHUTDOWN_MS : AFTER_CRASH_MS;
}
