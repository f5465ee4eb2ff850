import type { CallEvents } from '../../load/plan.js';

/** Wall-clock instants, in milliseconds. */
export interface OutageTimes {
  /** The server was told to stop. */
  readonly stoppingAtMs: number;
  /** Its process had ended. */
  readonly goneAtMs: number;
  /** It accepts connections again. */
  readonly acceptingAtMs: number;
}

/** What the outage did to the requests. */
export interface OutageFigures {
  readonly awayMs: number;
  /** Sent before the server was gone, and not answered when it began to stop. */
  readonly open: number;
  readonly failed: number;
  readonly failedBy: Readonly<Record<string, number>>;
  /** Failed although they were sent after the server was gone: these could have waited. */
  readonly failedLater: number;
  /** Sent while the server was away, and answered well. */
  readonly waited: number;
  /** From the instant at which it accepts connections; 0 when the first success came even before that was seen. */
  readonly firstSuccessMs: number;
}

/**
 * Reads the figures from every single request of a run.
 *
 * @param startedAtMs - Wall-clock time of instant 0 of the events.
 */
export function figuresOf(events: CallEvents, startedAtMs: number, times: OutageTimes): OutageFigures {
  let [open, failed, failedLater, waited] = [0, 0, 0, 0];
  let firstSuccessAtMs = Number.POSITIVE_INFINITY;
  // An answer that was on its way when the server went is no sign of its return.
  const returnsAtMs = (times.goneAtMs + times.acceptingAtMs) / 2;
  const failedBy: Record<string, number> = {};
  for (const [index, intendedMs] of events.intendedMs.entries()) {
    const sentAtMs = startedAtMs + intendedMs;
    const endedAtMs = sentAtMs + (events.latencyMs[index] ?? 0);
    const status = events.status[index] ?? 0;
    const good = status >= 200 && status < 300;
    if (sentAtMs < times.goneAtMs && endedAtMs >= times.stoppingAtMs) open += 1;
    if (!good) {
      failed += 1;
      const why = `${status} ${events.code[index] ?? ''}`.trim();
      failedBy[why] = (failedBy[why] ?? 0) + 1;
      if (sentAtMs >= times.goneAtMs) failedLater += 1;
    } else if (sentAtMs >= times.stoppingAtMs && sentAtMs < times.acceptingAtMs) waited += 1;
    if (good && endedAtMs >= returnsAtMs) firstSuccessAtMs = Math.min(firstSuccessAtMs, endedAtMs);
  }
  return {
    awayMs: times.acceptingAtMs - times.stoppingAtMs,
    open,
    failed,
    failedBy,
    failedLater,
    waited,
    firstSuccessMs: Math.max(0, firstSuccessAtMs - times.acceptingAtMs),
  };
}
