import { RateLimit, type RateLimitOptions, type RateShed } from '../rate-limit/rate-limit.js';
import type { DecisionLog } from '../telemetry/decision-log/decision-log.js';

/**
 * Rate limits of a route, in this process and for it alone, that write down what they are asked for and what they
 * decide.
 */
export class RecordedRateLimit extends RateLimit {
  readonly #log: DecisionLog;
  readonly #route: number;

  /** @throws RangeError when a rate, a burst or `maxKeys` is out of range. */
  constructor(options: RateLimitOptions, log: DecisionLog, route: string) {
    super(options);
    this.#log = log;
    this.#route = log.addBuckets(route, options, this);
  }

  override take(nowMs: number, callerKey: string | undefined, cost: number): RateShed | undefined {
    const over = super.take(nowMs, callerKey, cost);
    const ofCallers = over?.scope === 'caller' || over?.scope === 'newcomers';
    this.#log.take(nowMs, this.#route, callerKey, cost, ofCallers ? 'caller' : over && 'endpoint');
    return over;
  }

  override refund(nowMs: number, callerKey: string | undefined, cost: number): void {
    super.refund(nowMs, callerKey, cost);
    this.#log.refund(nowMs, this.#route, callerKey, cost);
  }
}
