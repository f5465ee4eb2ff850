import { Durations } from '../../test/load/latency.js';
import type { Latency, LoadResult } from '../../test/load/plan.js';
import { DEADLINE_MS, RUN_MS } from './surge.js';

/** Width of one step of the plot, in milliseconds. */
export const STEP_MS = 500;

/** What became of the checkouts of one run, and when. */
export interface Figures {
  readonly asked: number;
  readonly inTime: number;
  readonly late: number;
  readonly refused: number;
  readonly unanswered: number;
  /** From the intended send time to the end of a 2xx answer. */
  readonly served: Latency;
  readonly refusals: Latency;
  readonly reportsServed: number;
  /** How late the load itself was sent, p99 of the stream that was worst: some milliseconds unless the machine is busy. */
  readonly sentLateMs: number;
  /** Share of one core that the shop used during the surge: near 1 nothing that it does is in time any more. */
  readonly busyShare: number;
  /** Checkouts asked for, and answered in time, per second, step by step, by the instant at which each was sent. */
  readonly askedPerSecond: readonly number[];
  readonly inTimePerSecond: readonly number[];
}

/** Adds up the checkouts of a run, whichever stream they came with. */
export function figuresOf(result: LoadResult, busyShare: number): Figures {
  const steps = Math.ceil(RUN_MS / STEP_MS);
  const asked = new Array<number>(steps).fill(0);
  const good = new Array<number>(steps).fill(0);
  const served = new Durations();
  const refusals = new Durations();
  let [inTime, late, refused, unanswered] = [0, 0, 0, 0];
  for (const { events } of result.streams) {
    for (const [index, intendedMs] of (events?.intendedMs ?? []).entries()) {
      const latencyMs = events?.latencyMs[index] ?? 0;
      const status = events?.status[index] ?? 0;
      const step = Math.min(steps - 1, Math.floor(intendedMs / STEP_MS));
      asked[step] = (asked[step] ?? 0) + 1;
      if (status === 0) {
        unanswered += 1;
      } else if (status >= 300) {
        refused += 1;
        refusals.add(latencyMs);
      } else {
        served.add(latencyMs);
        if (latencyMs > DEADLINE_MS) late += 1;
        else {
          inTime += 1;
          good[step] = (good[step] ?? 0) + 1;
        }
      }
    }
  }
  const perSecond = (counts: readonly number[]): number[] => counts.map((count) => (count * 1_000) / STEP_MS);
  return {
    asked: inTime + late + refused + unanswered,
    inTime,
    late,
    refused,
    unanswered,
    served: served.summary(),
    refusals: refusals.summary(),
    reportsServed: result.streams.find(({ name }) => name === 'reports')?.good ?? 0,
    sentLateMs: Math.max(0, ...result.streams.map(({ sendLag }) => sendLag.p99Ms)),
    busyShare,
    askedPerSecond: perSecond(asked),
    inTimePerSecond: perSecond(good),
  };
}
