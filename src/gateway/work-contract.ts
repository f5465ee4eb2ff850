import type { DeadlineTimer } from '../admission/deadline-timer.js';
import type { LoopLag } from '../admission/loop-lag.js';
import type { Clock } from '../clock.js';
import type { Mode } from '../config/options.js';
import type { Refusal } from '../errors.js';

/** Whoever waits for the work: an HTTP response, or a caller of `gateway.run`. Each method is called at most once. */
export interface WorkHost {
  /** The seat is there: run the handler. */
  proceed(nowMs: number): void;
  /** Nothing was started, and nothing will be. */
  refuse(refusal: Refusal): void;
  /** The deadline ran out while the handler ran. */
  expire(refusal: Refusal): void;
  /** Whether the answer has begun on a route that streams, so that its deadline is met. */
  streaming(): boolean;
  /** Whether somebody wants to know where the time of this request went, though nobody listens to any channel. */
  readonly timed?: boolean | undefined;
}

/** Takes a code of the log, a sentence and the route of which it tells. */
export type RouteWarn = (code: string, message: string, about: { readonly route: string }) => void;

/** What all requests of a gateway share. */
export interface WorkContext {
  readonly mode: Mode;
  readonly clock: Clock;
  readonly timer: DeadlineTimer;
  readonly lag: LoopLag;
  /** Tells of a mistake or of trouble of a route. */
  readonly warn: RouteWarn;
}
