import type { ErrorCode } from '../errors.js';
import type { RouteStats } from '../telemetry/route-stats.js';
import type { ClaimLedger } from './claim-ledger.js';

/** What mode `enforce` would have done with a request that mode `observe` lets through, as far as is known. */
export type ShadowFate =
  /** It would have its seat, after this wait. */
  | { readonly kind: 'admit'; readonly waitMs: number }
  /** It would still be queued; predicted when it was. */
  | { readonly kind: 'queued'; readonly predictedWaitMs: number }
  /** It would have been refused, or cut short at its deadline. */
  | { readonly kind: 'shed'; readonly code: ErrorCode };

/** Counts the fate of one shadow, apart from what really happens to its request. */
export class ShadowLedger implements ClaimLedger {
  readonly #stats: RouteStats;
  #fate: ShadowFate | undefined;

  constructor(stats: RouteStats) {
    this.#stats = stats;
  }

  /** `undefined` while nothing is decided, and where the request ended before anything was. */
  get fate(): ShadowFate | undefined {
    return this.#fate;
  }

  /** The shadow is queued, and its wait was predicted. */
  predict(predictedWaitMs: number): void {
    this.#fate = { kind: 'queued', predictedWaitMs };
  }

  admit(queueWaitMs: number): void {
    this.#fate = { kind: 'admit', waitMs: queueWaitMs };
    this.#stats.wouldAdmit(queueWaitMs);
  }

  shedWith(code: ErrorCode): void {
    this.#fate = { kind: 'shed', code };
    this.#stats.wouldShed(code);
  }

  // The request itself is counted where it really arrives and leaves.
  arrive(): void {}
  enqueue(): void {}
  abandon(): void {}
}
