import { percentile } from '../load/latency.js';
import type { StreamPlan, StreamResult } from '../load/plan.js';

/** One request of a load and what became of it. */
export interface Call {
  /** In milliseconds from the start of the load. */
  readonly sentAtMs: number;
  readonly endedAtMs: number;
  readonly latencyMs: number;
  /** 0 where there was no answer. */
  readonly status: number;
  /** The problem code of a refusal, or why there was no answer. */
  readonly code: string;
  /** What a refused caller was told to wait, in milliseconds. */
  readonly retryAfterMs: number;
}

/** The calls of a stream, in the order in which they ended. */
export function callsOf({ name, events }: StreamResult): Call[] {
  if (events === undefined) throw new Error(`stream "${name}" kept no events`);
  return events.intendedMs.map((sentAtMs, index) => {
    const latencyMs = events.latencyMs[index] ?? 0;
    const status = events.status[index] ?? 0;
    const code = events.code[index] ?? '';
    const retryAfterMs = events.retryAfterMs?.[index] ?? 0;
    return { sentAtMs, endedAtMs: sentAtMs + latencyMs, latencyMs, status, code, retryAfterMs };
  });
}

/** Served within `withinMs`. */
export function inTime(calls: readonly Call[], withinMs = 500): Call[] {
  return calls.filter(({ status, latencyMs }) => status >= 200 && status < 300 && latencyMs <= withinMs);
}

/** Sent from `fromMs` on and before `toMs`. */
export function sentBetween(calls: readonly Call[], fromMs: number, toMs: number = Number.POSITIVE_INFINITY): Call[] {
  return calls.filter(({ sentAtMs }) => sentAtMs >= fromMs && sentAtMs < toMs);
}

/** Answered from `fromMs` on and before `toMs`. */
export function endedBetween(calls: readonly Call[], fromMs: number, toMs: number = Number.POSITIVE_INFINITY): Call[] {
  return calls.filter(({ endedAtMs }) => endedAtMs >= fromMs && endedAtMs < toMs);
}

/** Everything that was not served, as `status code`, with how often. */
export function failures(calls: readonly Call[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, code } of calls) {
    if (status >= 200 && status < 300) continue;
    const key = `${status} ${code}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

/** A percentile of the latency of these calls, in milliseconds; 0 of none. */
export function latencyAt(calls: readonly Call[], share: number): number {
  return percentile(
    calls.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b),
    share,
  );
}

/** Checkouts, open loop; the callers are patient, so that every one of them hears its answer. */
export function checkoutStream(
  name: string,
  ratePerSecond: number,
  more: { readonly fromMs?: number; readonly toMs?: number } & Partial<StreamPlan> = {},
): StreamPlan {
  const { fromMs, toMs, ...plan } = more;
  const part = { ...(fromMs === undefined ? {} : { fromMs }), ...(toMs === undefined ? {} : { toMs }) };
  return {
    name,
    method: 'POST',
    path: '/checkout',
    body: '{"sku":{{int 1 1000}},"quantity":1}',
    arrivals: { kind: 'poisson', ratePerSecond, ...part },
    deadlineMs: 500,
    unansweredAfterMs: 15_000,
    ...plan,
  };
}
