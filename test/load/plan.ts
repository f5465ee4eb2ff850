/** How the requests of a stream come. */
export type Arrivals =
  /** Open loop: at a rate of its own, whatever the server does. */
  | {
      readonly kind: 'poisson' | 'uniform';
      readonly ratePerSecond: number;
      /** The part of the run in which requests come, in milliseconds from its start. Default: all of it. */
      readonly fromMs?: number;
      readonly toMs?: number;
    }
  /** Closed loop: so many callers, each sending its next request when the last one ended. */
  | { readonly kind: 'closed'; readonly callers: number };

/** What a caller does who is refused with 429 or 503: the same request again, so many times at most. */
export interface Retries {
  /** 1 to 10. */
  readonly times: number;
  /** After what `Retry-After` says, or without a pause, as clients do that know no better. */
  readonly when: 'as-told' | 'at-once';
}

/** One kind of request. */
export interface StreamPlan {
  readonly name: string;
  readonly method: string;
  /** May hold places such as `{{int 1 1000}}`; see `template.ts`. */
  readonly path: string;
  /** Likewise. Sent as JSON unless `headers` say otherwise. */
  readonly body?: string;
  /** Values may hold places too. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly arrivals: Arrivals;
  /** A 2xx counts as good when it came within so many milliseconds of the intended send time. */
  readonly deadlineMs: number;
  /** After so long without an answer the caller hangs up and the request is unanswered, in milliseconds. */
  readonly unansweredAfterMs: number;
  /** Default: a refusal is the end of it. Each repeat is a request of its own: offered, answered and counted again. */
  readonly retries?: Retries;
  /** Report every request of the run one by one. Default false. */
  readonly keepEvents?: boolean;
}

/** What one run of the load generator does. It ends by itself: every part is bounded in time and count. */
export interface LoadPlan {
  /** Loopback only. */
  readonly port: number;
  readonly seed: number;
  /** Load that is sent and not counted, before the window. */
  readonly warmUpMs: number;
  /** The window: only what completes inside it is counted as completed. */
  readonly measureMs: number;
  /** Load that is sent and not counted, after the window, so that its last requests end under the same load. */
  readonly coolDownMs: number;
  /** Sockets open at once; requests beyond wait in the generator, on their own time. Default 4,000. */
  readonly maxSockets?: number;
  /** The run stops sending after so many requests. Default 1,000,000. */
  readonly maxRequests?: number;
  readonly streams: readonly StreamPlan[];
}

/** Why a request has no answer: nothing came in time, the connection broke, or none could be made. */
export type NoAnswer = 'timeout' | 'reset' | 'refused';

/** Milliseconds from the intended send time to the end of the answer. Zeros where `count` is 0. */
export interface Latency {
  readonly count: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Every request of a stream, column by column, in the order in which they ended. */
export interface CallEvents {
  /** Intended send time, in milliseconds from the start of the run. */
  readonly intendedMs: readonly number[];
  readonly latencyMs: readonly number[];
  /** HTTP status; 0 where there was no answer. */
  readonly status: readonly number[];
  /** The problem code of a refusal, the reason of a missing answer, or an empty text. */
  readonly code: readonly string[];
  /** What a refused caller was told to wait; 0 where nothing was said. */
  readonly retryAfterMs?: readonly number[];
}

/** What became of one stream. */
export interface StreamResult {
  readonly name: string;
  /** Requests whose intended send time lies in the window. */
  readonly offered: number;
  readonly offeredPerSecond: number;
  /** Of the offered: repeats of a request that was refused. */
  readonly retried: number;
  /** Answers whose last byte came inside the window. */
  readonly completed: number;
  readonly completedPerSecond: number;
  /** Of these: 2xx within the deadline. */
  readonly good: number;
  readonly goodPerSecond: number;
  /** Of these: everything that is not 2xx. */
  readonly refused: number;
  readonly okLatency: Latency;
  readonly refusedLatency: Latency;
  readonly statuses: Readonly<Record<string, number>>;
  readonly codes: Readonly<Record<string, number>>;
  /** How often each `Retry-After` came, in seconds. */
  readonly retryAfters: Readonly<Record<string, number>>;
  /** Of the requests offered in the window: those that never got an answer. */
  readonly unanswered: number;
  readonly unansweredBy: Readonly<Record<NoAnswer, number>>;
  /** How late the generator itself was: intended to real send time. */
  readonly sendLag: Latency;
  readonly events?: CallEvents;
}

/** What one run gives back. */
export interface LoadResult {
  /** Wall-clock time of instant 0 of the run, in milliseconds, to line it up with what others did meanwhile. */
  readonly startedAtEpochMs: number;
  readonly windowSeconds: number;
  readonly streams: readonly StreamResult[];
  /** Share of one core that the generator used over the whole run. */
  readonly generatorCpu: number;
  readonly socketsOpened: number;
  readonly socketsAtOnce: number;
}
