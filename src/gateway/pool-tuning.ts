import type { Clock } from '../clock.js';
import { otherServer } from '../config/yielding-servers.js';
import { AdaptiveLimit } from '../core/adaptive-limit.js';
import { type Occupation, Yielding } from '../core/yielding.js';
import type { RouteOutcome } from '../telemetry/route-stats.js';
import type { SeatTuning } from '../telemetry/source.js';
import { sqlStateOf } from './failures.js';
import type { LoanListener } from './loans.js';
import type { PoolRuntime } from './pool-runtime.js';

/** How often limits are brought up to date. */
const TICK_MS = 100;

/**
 * Gives the pools that adapt or yield their {@link PoolTuning}; all others stay without a timer and without work per
 * request. A pool that the environment has moved away from the one that it yields to does not yield.
 */
export function tunePools(
  clock: Clock,
  pools: ReadonlyMap<string, PoolRuntime>,
  warn: (code: string, message: string) => void,
): void {
  for (const runtime of pools.values()) {
    const { adaptive, name, yieldsTo } = runtime.config;
    let other = yieldsTo === undefined ? undefined : pools.get(yieldsTo);
    const apart = other === undefined ? undefined : otherServer(runtime.config, other.config);
    if (apart !== undefined) {
      other = undefined;
      warn('yielding_unheeded', `pool "${name}" does not give way to "${yieldsTo}": ${apart}`);
    }
    if (adaptive || other !== undefined) runtime.tuning = new PoolTuning(clock, runtime, other);
  }
}

/** The concurrency limit of one pool at work: listens, and resizes its seats on a timer. */
export class PoolTuning {
  readonly #clock: Clock;
  readonly #runtime: PoolRuntime;
  readonly #other: PoolRuntime | undefined;
  readonly #adaptive: AdaptiveLimit | undefined;
  readonly #yielding: Yielding | undefined;

  constructor(clock: Clock, runtime: PoolRuntime, other: PoolRuntime | undefined) {
    const { config, seats } = runtime;
    const nowMs = clock.nowMs();
    const bounds = { seats, minSeats: Math.min(config.minSeats, seats) };
    this.#clock = clock;
    this.#runtime = runtime;
    this.#other = other;
    this.#adaptive = config.adaptive ? new AdaptiveLimit(nowMs, bounds) : undefined;
    if (other !== undefined) {
      this.#yielding = new Yielding(nowMs, { ...bounds, targetMs: config.targetMs });
      other.onLoanEnd = alsoCall(other.onLoanEnd, this.#lent);
    }
    this.#arm();
  }

  /** A request on this pool ended and is about to free its seat. */
  ended(nowMs: number, route: string, heldMs: number, outcome: RouteOutcome): void {
    if (this.#adaptive === undefined || this.#away) return;
    this.#adaptive.ended(nowMs, route, heldMs, ENDINGS[outcome], this.#runtime.gate.bulkhead);
  }

  /** A statement of a request on this pool failed, and its owner had not given it up. */
  statementFailed(error: unknown): void {
    if (speaksOfStrain(error)) this.#adaptive?.strained();
  }

  /** For snapshots and metrics. */
  describe(): SeatTuning {
    const quietHoldMs: Record<string, number> = {};
    for (const [route, { quietMs }] of this.#adaptive?.references ?? []) {
      if (quietMs !== undefined) quietHoldMs[route] = quietMs;
    }
    const { quietMs, targetMs } = this.#yielding ?? {};
    return { reason: this.#reason, quietHoldMs, quietDatabaseMs: quietMs, targetMs };
  }

  /** The reason of whichever holds the limit where it is. */
  get #reason(): SeatTuning['reason'] {
    const adaptive = this.#adaptive;
    const yielding = this.#yielding;
    if (yielding === undefined) return adaptive?.reason ?? 'start';
    if (adaptive === undefined) return yielding.reason;
    return adaptive.limit < yielding.limit || yielding.reason === 'start' ? adaptive.reason : yielding.reason;
  }

  get #away(): boolean {
    return this.#runtime.gate.bulkhead.outage.down || this.#other?.gate.bulkhead.outage.down === true;
  }

  #arm(): void {
    this.#clock.after(TICK_MS, () => {
      if (this.#runtime.pool.state === 'closed') return;
      this.#control(this.#clock.nowMs());
      this.#arm();
    });
  }

  #control(nowMs: number): void {
    const { gate, seats } = this.#runtime;
    if (this.#away) {
      this.#adaptive?.pause(nowMs);
      this.#yielding?.pause(nowMs);
    } else {
      this.#adaptive?.control(nowMs, gate.bulkhead);
      if (this.#other !== undefined) this.#yielding?.control(nowMs, gate.bulkhead, this.#other.gate.bulkhead);
    }
    const limit = Math.min(this.#adaptive?.limit ?? seats, this.#yielding?.limit ?? seats);
    this.#runtime.bounds.set(nowMs, 'tuning', limit);
  }

  readonly #lent: LoanListener = (nowMs, ms, cutShort) => {
    if (this.#other === undefined || this.#away) return;
    const own: Occupation = this.#runtime.gate.bulkhead;
    this.#yielding?.lent(nowMs, ms, cutShort, own, this.#other.gate.bulkhead);
  };
}

const ENDINGS = {
  succeeded: 'done',
  failed: 'other',
  abandoned: 'other',
  expired: 'strained',
} as const satisfies Record<RouteOutcome, 'done' | 'strained' | 'other'>;

/** Stopped, a lock not granted in time, or too little of something: what too much at once brings about. */
function speaksOfStrain(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === '57014' || state === '55P03' || (state?.length === 5 && state.startsWith('53'));
}

function alsoCall(first: LoanListener | undefined, second: LoanListener): LoanListener {
  if (first === undefined) return second;
  return (nowMs, ms, cutShort) => {
    first(nowMs, ms, cutShort);
    second(nowMs, ms, cutShort);
  };
}
