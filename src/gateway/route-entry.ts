import type { EventLoopGuard } from '../admission/event-loop-guard.js';
import type { LoopLag } from '../admission/loop-lag.js';
import type { Mode } from '../config/options.js';
import { PRIORITY_CLASSES, type PriorityClass, rankOf } from '../core/priority.js';
import { deadlineUnreachable } from '../core/refusals.js';
import type { Ticket } from '../core/ticket.js';
import type { Refusal } from '../errors.js';
import { circuitOpen, draining, overloaded } from './refusals.js';
import { RequestWork } from './request-work.js';
import type { RouteRuntime } from './route-runtime.js';
import type { WorkContext, WorkHost } from './work-contract.js';

/** What a client asked for, which can only be less than the route gives, and what the application says of the request. */
export interface RequestWishes {
  /** Milliseconds that the client will wait. */
  readonly budgetMs?: number | undefined;
  readonly priority?: PriorityClass | undefined;
  /** Whose bucket is charged, where the route has buckets per caller. */
  readonly callerKey?: string | undefined;
  /** Whose share of the class it takes. */
  readonly tenant?: string | undefined;
  /** Seats that it takes; anything but a whole number from 1 counts as the route's own cost. */
  readonly seats?: number | undefined;
}

/** Whether the gateway still admits. */
export interface Admitting {
  draining: boolean;
}

/** A request cannot have waited unseen for longer than this: past it, something else held the process. */
const LONGEST_UNSEEN_MS = 1_000;

/** The way into one route: makes tickets and says, before any body is read, which of them would be refused. */
export class RouteEntry {
  readonly runtime: RouteRuntime;
  #context: WorkContext;
  readonly #lag: LoopLag;
  readonly #admitting: Admitting;
  readonly #guard: EventLoopGuard | undefined;

  constructor(
    runtime: RouteRuntime,
    context: WorkContext,
    lag: LoopLag,
    admitting: Admitting,
    /** Absent where the guard is switched off. */
    guard?: EventLoopGuard,
  ) {
    this.runtime = runtime;
    this.#context = context;
    this.#lag = lag;
    this.#admitting = admitting;
    this.#guard = guard;
  }

  /** From the next request on; those that are here go on as they are. */
  setMode(mode: Mode): void {
    this.#context = { ...this.#context, mode };
  }

  /** Classifies a request. Time that it spent unseen, while the event loop was busy, counts against its deadline. */
  classify(nowMs: number, host: WorkHost, wishes: RequestWishes): RequestWork {
    const { config, rank } = this.runtime;
    const arrivedAtMs = nowMs - Math.min(LONGEST_UNSEEN_MS, this.#lag.unseenMs(nowMs));
    const allowedMs = Math.min(config.deadlineMs, wishes.budgetMs ?? config.deadlineMs);
    const wished = wishes.priority === undefined ? rank : rankOf(wishes.priority);
    const lowest = wished > rank ? wished : rank;
    const deadlineAtMs = arrivedAtMs + allowedMs;
    return new RequestWork(this.#context, this.runtime, host, lowest, wishes, arrivedAtMs, deadlineAtMs);
  }

  /**
   * Judges a ticket on its headers alone, without I/O and without charging anything. A refusal ends the work.
   */
  preflight(nowMs: number, work: RequestWork): Refusal | undefined {
    const refusal = this.#admitting.draining ? draining(this.runtime.name) : this.#judge(nowMs, work);
    if (refusal !== undefined) work.refused(nowMs, refusal);
    return refusal;
  }

  /** In mode `observe` the shadow is judged, and the request goes on. */
  #judge(nowMs: number, { shadow, ticket }: RequestWork): Refusal | undefined {
    const { mode } = this.#context;
    if (mode === 'enforce') return this.refuses(nowMs, ticket);
    const refusal = shadow && this.refuses(nowMs, shadow.ticket);
    if (refusal !== undefined) shadow?.onShed(nowMs, refusal);
    return undefined;
  }

  /** Why a ticket is refused before its body is read. */
  protected refuses(nowMs: number, ticket: Ticket): Refusal | undefined {
    const { rank } = ticket;
    const early = this.runtime.window?.refusal();
    if (early !== undefined) return early;
    if (this.#guard?.sheds(nowMs, rank) === true) {
      return overloaded(this.runtime.name, this.#lag.averageMs(nowMs), this.#guard.calmLagMs(rank));
    }
    const timeLeftMs = ticket.deadlineAtMs - nowMs;
    if (timeLeftMs <= 0) return deadlineUnreachable(this.runtime.name, timeLeftMs, 0, this.runtime.times.p50(nowMs));
    const { pool, gate } = this.runtime;
    if (pool?.breaker?.refuses(nowMs, rank) === true) {
      return circuitOpen(this.runtime.name, pool.name, pool.breaker.retryAfterMs(nowMs, rank), pool.breaker);
    }
    return gate?.bulkhead.preflight(nowMs, ticket);
  }
}

/** Reads a class name from a header; anything else is `undefined`. */
export function parsePriority(value: string | string[] | undefined): PriorityClass | undefined {
  return PRIORITY_CLASSES.find((name) => name === value);
}
