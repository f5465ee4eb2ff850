import { Durations } from './latency.js';
import type { CallEvents, NoAnswer, StreamPlan, StreamResult } from './plan.js';
import type { Answer } from './response-reader.js';

/** The part of a run that counts, in milliseconds from its start; the end is not part of it. */
export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

type Columns = {
  readonly [Column in keyof CallEvents]-?: CallEvents[Column] extends readonly string[] ? string[] : number[];
};

/** What a refusal tells its caller. */
type Waits = Pick<Answer, 'retryAfterSeconds' | 'retryAfterMs'>;

/**
 * Counts what becomes of one stream. Answers count by the instant at which they came, because that is what a server
 * gets done; missing answers count by the intended send time, because they never come.
 */
export class Tally {
  readonly #plan: StreamPlan;
  readonly #window: Window;
  readonly #ok = new Durations();
  readonly #refused = new Durations();
  readonly #lag = new Durations();
  readonly #statuses = new Map<string, number>();
  readonly #codes = new Map<string, number>();
  readonly #unansweredBy: Record<NoAnswer, number> = { timeout: 0, reset: 0, refused: 0 };
  readonly #events: Columns | undefined;
  readonly #retryAfters = new Map<string, number>();
  #offered = 0;
  #retried = 0;
  #good = 0;

  constructor(plan: StreamPlan, window: Window) {
    this.#plan = plan;
    this.#window = window;
    this.#events =
      plan.keepEvents === true ? { intendedMs: [], latencyMs: [], status: [], code: [], retryAfterMs: [] } : undefined;
  }

  offered(intendedMs: number, repeat = false): void {
    if (!this.#counts(intendedMs)) return;
    this.#offered += 1;
    if (repeat) this.#retried += 1;
  }

  sent(intendedMs: number, sentMs: number): void {
    if (this.#counts(intendedMs)) this.#lag.add(sentMs - intendedMs);
  }

  answered(intendedMs: number, endedMs: number, status: number, code: string, waits: Waits = {}): void {
    const latencyMs = endedMs - intendedMs;
    const { retryAfterSeconds, retryAfterMs = 0 } = waits;
    this.#keep(intendedMs, latencyMs, status, code, retryAfterMs);
    if (!this.#counts(endedMs)) return;
    increment(this.#statuses, String(status));
    if (status >= 200 && status < 300) {
      this.#ok.add(latencyMs);
      if (latencyMs <= this.#plan.deadlineMs) this.#good += 1;
    } else {
      this.#refused.add(latencyMs);
      increment(this.#codes, code === '' ? 'none' : code);
      if (retryAfterSeconds !== undefined) increment(this.#retryAfters, String(retryAfterSeconds));
    }
  }

  unanswered(intendedMs: number, endedMs: number, why: NoAnswer): void {
    this.#keep(intendedMs, endedMs - intendedMs, 0, why);
    if (this.#counts(intendedMs)) this.#unansweredBy[why] += 1;
  }

  result(): StreamResult {
    const seconds = (this.#window.toMs - this.#window.fromMs) / 1_000;
    const okLatency = this.#ok.summary();
    const refusedLatency = this.#refused.summary();
    const completed = okLatency.count + refusedLatency.count;
    const by = this.#unansweredBy;
    return {
      name: this.#plan.name,
      offered: this.#offered,
      offeredPerSecond: this.#offered / seconds,
      retried: this.#retried,
      completed,
      completedPerSecond: completed / seconds,
      good: this.#good,
      goodPerSecond: this.#good / seconds,
      refused: refusedLatency.count,
      okLatency,
      refusedLatency,
      statuses: Object.fromEntries(this.#statuses),
      codes: Object.fromEntries(this.#codes),
      retryAfters: Object.fromEntries(this.#retryAfters),
      unanswered: by.timeout + by.reset + by.refused,
      unansweredBy: { ...by },
      sendLag: this.#lag.summary(),
      ...(this.#events === undefined ? {} : { events: this.#events satisfies CallEvents }),
    };
  }

  #counts(atMs: number): boolean {
    return atMs >= this.#window.fromMs && atMs < this.#window.toMs;
  }

  #keep(intendedMs: number, latencyMs: number, status: number, code: string, retryAfterMs = 0): void {
    if (this.#events === undefined) return;
    this.#events.intendedMs.push(intendedMs);
    this.#events.latencyMs.push(latencyMs);
    this.#events.status.push(status);
    this.#events.code.push(code);
    this.#events.retryAfterMs.push(retryAfterMs);
  }
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
