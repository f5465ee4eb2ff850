import type { TimeWindow } from '../core/time-window.js';
import type { Refusal } from '../errors.js';

/** The hours of a route that serves at certain times only. */
export class RouteWindow {
  readonly #route: string;
  readonly #window: TimeWindow;
  readonly #wallMs: () => number;

  /** @param wallMs - The wall clock, in ms since 1970: a time of day is the one thing that a monotonic clock cannot tell. */
  constructor(route: string, window: TimeWindow, wallMs: () => number) {
    this.#route = route;
    this.#window = window;
    this.#wallMs = wallMs;
  }

  /**
   * Why nothing is admitted now; `undefined` within the hours. Work that was admitted goes on to its deadline.
   *
   * It has a code of its own: every other one tells of trouble, and an alert that fires each morning is soon muted. 503
   * and not 429, because the caller did nothing too often.
   */
  refusal(): Refusal | undefined {
    const wallMs = this.#wallMs();
    const waitMs = this.#window.opensInMs(wallMs);
    if (waitMs <= 0) return undefined;
    const { text, timeZone } = this.#window;
    return {
      code: 'outside_window',
      status: 503,
      outcome: 'not_started',
      detail: `This work is done from ${text.replace('-', ' to ')} (${timeZone}) only. Nothing was started; come back then.`,
      retryAfterMs: waitMs,
      measured: {
        stage: 'arrival',
        route: this.#route,
        window: text,
        time_zone: timeZone,
        local_time: this.#window.clockAt(wallMs),
        passes_in_ms: Math.ceil(waitMs),
      },
    };
  }
}
