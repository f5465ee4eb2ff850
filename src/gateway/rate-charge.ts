import type { Refusal } from '../errors.js';
import { rateLimited } from './refusals.js';
import type { RouteRuntime } from './route-runtime.js';

/** The tokens of one request: taken once, and given back once if nothing was started. */
export class RateCharge {
  readonly #route: RouteRuntime;
  readonly #callerKey: string | undefined;
  #taken = false;

  constructor(route: RouteRuntime, callerKey: string | undefined) {
    this.#route = route;
    this.#callerKey = callerKey;
  }

  /** Takes the tokens, or says why not. */
  take(nowMs: number): Refusal | undefined {
    const over = this.#route.rate?.take(nowMs, this.#callerKey, 1);
    if (over !== undefined) return rateLimited(this.#route.name, over);
    this.#taken = true;
    return undefined;
  }

  /** Gives the tokens back, if they were taken and not given back yet. */
  refund(nowMs: number): void {
    if (!this.#taken) return;
    this.#taken = false;
    this.#route.rate?.refund(nowMs, this.#callerKey, 1);
  }
}
