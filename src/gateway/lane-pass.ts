import type { GateTicket } from '../admission/gate.js';
import type { Refusal } from '../errors.js';
import type { Lane, LaneWaiter } from '../fleet/lane.js';
import type { RouteRuntime } from './route-runtime.js';

/**
 * One request's place in the fleet-wide lane of its route: asked for once it has its tokens, and given back once, with
 * the end of the request. Who waits for one holds no seat.
 */
export class LanePass {
  readonly #lane: Lane;
  readonly #route: RouteRuntime;
  readonly #ticket: GateTicket;
  readonly #waiter: LaneWaiter;
  #state: 'outside' | 'waiting' | 'inside' | 'left' = 'outside';
  #sinceMs = 0;

  constructor(lane: Lane, route: RouteRuntime, ticket: GateTicket, waiter: LaneWaiter) {
    this.#lane = lane;
    this.#route = route;
    this.#ticket = ticket;
    this.#waiter = waiter;
  }

  /** Whether the request waits for a place. */
  get waiting(): boolean {
    return this.#state === 'waiting';
  }

  /** Since when it has waited, in the queue of the lane or behind it; 0 where it did not wait. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** Whether a place that comes now comes too late: how long the work takes may not have been known before. */
  late(nowMs: number): boolean {
    return nowMs + this.#route.times.p50(nowMs) > this.#ticket.deadlineAtMs;
  }

  /** The last instant at which a request that gets a place then is likely to be done in time. */
  latestStartMs(nowMs: number): number {
    const { deadlineAtMs } = this.#ticket;
    const latestMs = deadlineAtMs - this.#route.times.p50(nowMs);
    return latestMs > nowMs ? latestMs : deadlineAtMs;
  }

  /** Asks for a place. `undefined`: it has one. */
  ask(nowMs: number): 'queued' | Refusal | undefined {
    const { times, maxQueued } = this.#route;
    const waitMs = this.#lane.predictedWaitMs(nowMs, times.meanMs(nowMs));
    const leftMs = this.#ticket.deadlineAtMs - nowMs;
    if (this.#lane.status.waiting >= maxQueued || waitMs + times.p50(nowMs) > leftMs) return this.refusal(nowMs);
    if (this.#lane.enter(nowMs, this.#waiter)) {
      this.#state = 'inside';
      return undefined;
    }
    this.#state = 'waiting';
    this.#sinceMs = nowMs;
    return 'queued';
  }

  /** The place is there. */
  entered(): void {
    this.#state = 'inside';
  }

  /** Gives the place back, or waits for none any more. */
  leave(nowMs: number): void {
    if (this.#state === 'waiting') this.#lane.withdraw(this.#waiter);
    else if (this.#state === 'inside') this.#lane.leave(nowMs);
    this.#state = 'left';
  }

  /** Why it gets no place in time. */
  refusal(nowMs: number): Refusal {
    const { max, waiting } = this.#lane.status;
    const { name, times, deadlineMs, maxQueued } = this.#route;
    const waitMs = Math.min(deadlineMs, this.#lane.predictedWaitMs(nowMs, times.meanMs(nowMs)));
    const serviceMs = times.p50(nowMs);
    const leftMs = Math.max(0, this.#ticket.deadlineAtMs - nowMs);
    const neededMs = waitMs + serviceMs;
    const queued = this.waiting;
    return {
      code: 'fleet_limited',
      status: 503,
      outcome: 'not_started',
      detail: 'As much of this work runs on all instances together as may. Nothing was started; try again later.',
      retryAfterMs: Math.max(waitMs, LEAST_WAIT_MS),
      measured: {
        stage: queued ? 'queue' : 'arrival',
        route: name,
        places: max,
        waiting,
        ...(queued ? { queue_wait_ms: Math.round(nowMs - this.#sinceMs) } : {}),
        time_left_ms: Math.round(leftMs),
        predicted_wait_ms: Math.round(waitMs),
        expected_service_ms: Math.round(serviceMs),
        // Where nothing is known of the work yet, nobody can say.
        ...(neededMs > leftMs ? { passes_with_ms: Math.round(neededMs) } : {}),
        ...(queued ? {} : { passes_with_waiting_below: maxQueued }),
      },
    };
  }
}

/** A place comes free when somebody ends, and that is never known to be sooner. */
const LEAST_WAIT_MS = 1_000;
