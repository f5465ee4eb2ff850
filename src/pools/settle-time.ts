const AFTER_SHUTDOWN_MS = 3;
const AFTER_CRASH_MS = 15;
/** Below the wait for the first new connection, which must not come before those that are open were asked. */
const AFTER_EITHER_MS = 8;

/**
 * How long the siblings of a lost session get to be lost as well, in milliseconds, so that one restart is one outage. A
 * server that shuts down says so with a code; a crash, which has none, takes longer to reach them all. Servers of
 * MySQL's kind say nothing in either case, and take their time to shut down.
 */
export function settleMs(loss: unknown): number {
  const hasCode = typeof loss === 'object' && loss !== null && 'code' in loss && loss.code !== undefined;
  if (hasCode && loss.code === 'PROTOCOL_CONNECTION_LOST') return AFTER_EITHER_MS;
  return hasCode ? AFTER_SHUTDOWN_MS : AFTER_CRASH_MS;
}
