import { type DownRun, PATIENCE_MS } from '../database-down/contenders.js';
import { spreadOf } from '../support/statistics.js';

/** For timers that are late. */
const SLACK_MS = 500;

/** Wall-clock instants, in milliseconds. */
export interface DownTimes {
  /** Nothing passes any more. */
  readonly goneAtMs: number;
  /** Everything passes again. */
  readonly backAtMs: number;
}

/** What the outage did to the calls. */
export interface DownFigures {
  /** Of the calls that failed; 0 when none did. */
  readonly medianFailureMs: number;
  readonly longestMs: number;
  /** Answered, well or not, only once the outage was over, although its caller's patience ended before. */
  readonly stuck: number;
  /** From the end of the outage to the first call that succeeded after it. */
  readonly recoveredMs: number;
  readonly failed: number;
  readonly tookMs: readonly number[];
}

/** Reads the figures from the calls of one run. */
export function figuresOf(run: DownRun, { goneAtMs, backAtMs }: DownTimes): DownFigures {
  const failures = run.filter(({ ok }) => !ok).map(({ tookMs }) => tookMs);
  const endOf = ({ sentAtMs, tookMs }: DownRun[number]): number => sentAtMs + tookMs;
  const stuck = run.filter(
    (one) => one.sentAtMs >= goneAtMs && one.sentAtMs + PATIENCE_MS + SLACK_MS < backAtMs && endOf(one) > backAtMs,
  );
  const later = run.filter((one) => one.ok && endOf(one) > backAtMs).map(endOf);
  return {
    medianFailureMs: failures.length === 0 ? 0 : spreadOf(failures).median,
    longestMs: Math.max(...run.map(({ tookMs }) => tookMs)),
    stuck: stuck.length,
    recoveredMs: Math.min(...later) - backAtMs,
    failed: failures.length,
    tookMs: run.map(({ tookMs }) => Math.round(tookMs)),
  };
}
