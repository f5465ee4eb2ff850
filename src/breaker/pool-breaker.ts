import type { Clock, Timer } from '../clock.js';
import { ClassDemand } from '../core/class-demand.js';
import type { PriorityRank } from '../core/priority.js';
import type { IllReason } from '../core/ramp.js';
import { HalfOpen, type HalfOpenSettings } from './half-open.js';
import { type WindowCounts, type WindowSettings, Windows } from './windows.js';

/** `closed` lets everything through, `open` nothing, `half_open` a probe at a time and then a growing share. */
export type BreakerState = 'closed' | 'open' | 'half_open';

/**
 * What a finished call says about its pool: that it is well, that it failed, that it is too slow. `neutral` says nothing:
 * the application's own errors, contention, a client that left, a server that cannot be reached.
 */
export type Verdict = 'success' | IllReason | 'neutral';

/** What {@link PoolBreaker} is made of. */
export interface PoolBreakerOptions extends WindowSettings {
  /** How long the circuit stays open, in milliseconds; spread by 20 % either way at each opening. */
  readonly resetMs: number;
  /** Length of a step of the ramp by which the circuit closes, in milliseconds. 0: it closes at once. */
  readonly rampMs: number;
  /** Counts and changes state as ever, and lets every call enter. */
  readonly shadow?: boolean;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly clock: Clock;
  /** Called after each change of state, when the breaker's own state is complete. */
  readonly onChange?: (state: BreakerState) => void;
}

/** The permission for one call. Whoever holds it reports the verdict, once. */
export interface BreakerPass {
  /**
   * Reports how the call ended. A second call does nothing, and neither does a verdict that arrives after the state
   * that gave the pass has ended.
   *
   * @param nowMs - The present instant, when the caller has just read it.
   */
  settle(verdict: Verdict, nowMs?: number): void;
}

/** Spread of the time that the circuit stays open, so that a fleet does not probe in step. */
const RESET_JITTER = 0.2;

interface Closed {
  readonly state: 'closed';
  readonly sinceMs: number;
}

interface Open {
  readonly state: 'open';
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly timer: Timer;
}

/** One period in one state. A pass counts only while the generation that gave it lasts. */
type Generation = Closed | Open | HalfOpen;

type Report = (pass: Pass, verdict: Verdict, nowMs: number | undefined) => void;

class Pass implements BreakerPass {
  readonly generation: Generation;
  readonly enteredAtMs: number;
  readonly #report: Report;
  #settled = false;

  constructor(generation: Generation, enteredAtMs: number, report: Report) {
    this.generation = generation;
    this.enteredAtMs = enteredAtMs;
    this.#report = report;
  }

  settle(verdict: Verdict, nowMs?: number): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#report(this, verdict, nowMs);
  }
}

/** For a call that would have been refused. */
const UNHEARD: BreakerPass = { settle: () => {} };

/**
 * The circuit breaker of one pool, for database work only. It answers to failures and slowness while connected; a
 * database that cannot be reached is the pool's own business.
 *
 * opossum is the state machine and keeps the statistics ({@link Windows}). Around it stand generations, so that late
 * results move nothing, leases for probes, so that a lost one cannot keep the circuit half-open, and a ramp on which it
 * closes, highest class first ({@link HalfOpen}).
 */
export class PoolBreaker {
  readonly name: string;
  readonly #options: PoolBreakerOptions;
  readonly #steps: HalfOpenSettings;
  readonly #demand = new ClassDemand();
  readonly #report: Report = (pass, verdict, nowMs) => this.#settled(pass, verdict, nowMs);
  #windows: Windows;
  #generation: Generation;
  #openedBy: IllReason | undefined;
  #down = false;

  constructor(options: PoolBreakerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#steps = {
      stepMs: options.rampMs,
      quickCalls: options.minimumCalls,
      badFrom: { failure: options.errorPercent / 100, slow: options.slowPercent / 100 },
      resetMs: options.resetMs,
    };
    const nowMs = options.clock.nowMs();
    this.#windows = new Windows(options, nowMs, 'closed');
    this.#generation = { state: 'closed', sinceMs: nowMs };
  }

  get state(): BreakerState {
    return this.#generation.state;
  }

  /** The instant at which the present state began. */
  get sinceMs(): number {
    return this.#generation.sinceMs;
  }

  /** What opened the circuit last; `undefined` while it is closed. */
  get openedBy(): IllReason | undefined {
    return this.#openedBy;
  }

  /** The share of the demand that is let through: 1 closed, 0 open and while it is probed, in between on the ramp. */
  get share(): number {
    const now = this.#generation;
    if (now.state === 'half_open') return now.share;
    return now.state === 'closed' ? 1 : 0;
  }

  /**
   * Whether a request that arrives now is refused. To be asked once for each request, before it waits for anything:
   * while the circuit is not closed, asking counts as demand, and an admission uses up a place or a part of the share.
   */
  refuses(nowMs: number, rank: PriorityRank): boolean {
    const now = this.#generation;
    if (now.state === 'closed') return false;
    this.#demand.ask(nowMs, rank);
    if (now.state === 'open') return true;
    const admitted = now.admits(nowMs, rank);
    return this.#closeAfter(nowMs, now) ? false : !admitted;
  }

  /**
   * How long until asking is worth another try, in milliseconds: until the circuit becomes half-open, until the place of
   * the present probe is free (at most one reset time), or until the ramp has room for this class. 0 when nothing is
   * refused.
   */
  retryAfterMs(nowMs: number, rank: PriorityRank): number {
    const now = this.#generation;
    if (now.state === 'closed') return 0;
    if (now.state === 'open') return Math.max(0, now.untilMs - nowMs);
    return now.retryAfterMs(nowMs, rank);
  }

  /**
   * Asks for permission for one call of a request that was not refused.
   *
   * @param leaseUntilMs - The instant by which the call will have been settled, usually its deadline. A probe that is
   *   still unsettled then loses its place (after 30 s at the latest).
   * @returns `undefined` when refused.
   */
  enter(nowMs: number, leaseUntilMs: number, rank: PriorityRank): BreakerPass | undefined {
    const now = this.#generation;
    if (now.state === 'open' || (now.state === 'half_open' && !now.lets(nowMs, rank))) {
      return this.#options.shadow === true ? UNHEARD : undefined;
    }
    const pass = new Pass(now, nowMs, this.#report);
    if (now.state === 'half_open') now.enter(nowMs, pass, leaseUntilMs);
    return pass;
  }

  /** The calls of the present window. */
  statistics(nowMs: number): WindowCounts {
    return this.#down ? { calls: 0, failures: 0, slow: 0 } : this.#windows.counts(nowMs);
  }

  /** Disarms every timer. The state stays what it is, and verdicts no longer count. */
  shutdown(): void {
    this.#down = true;
    if (this.#generation.state === 'open') this.#generation.timer.cancel();
    this.#windows.shutdown();
  }

  #settled(pass: Pass, verdict: Verdict, givenMs: number | undefined): void {
    const now = this.#generation;
    if (pass.generation !== now || this.#down) return;
    // A probe whose lease ran out may have a successor; only the holder of the place is heard.
    if (now.state === 'half_open' && !now.leave(pass)) return;
    if (verdict === 'neutral') return;
    const nowMs = givenMs ?? this.#options.clock.nowMs();
    const bad = verdict === 'success' ? undefined : verdict;
    const openedBy = this.#windows.count(nowMs, bad);
    if (openedBy !== undefined) return this.#open(nowMs, openedBy);
    if (now.state !== 'half_open') return;
    now.settle(nowMs, pass.enteredAtMs, bad);
    if (!now.probing && now.share === 0) this.#open(nowMs, bad ?? 'failure');
    else this.#closeAfter(nowMs, now);
  }

  #open(nowMs: number, reason: IllReason): void {
    const { clock, random, resetMs } = this.#options;
    const openForMs = resetMs * (1 - RESET_JITTER + 2 * RESET_JITTER * random());
    const timer = clock.after(openForMs, () => this.#halfOpen());
    this.#openedBy = reason;
    this.#become({ state: 'open', sinceMs: nowMs, untilMs: nowMs + openForMs, timer });
  }

  /** New windows, so that what opened the circuit is not held against a pool that has recovered. */
  #halfOpen(): void {
    if (this.#down) return;
    const nowMs = this.#options.clock.nowMs();
    this.#windows.shutdown();
    this.#windows = new Windows(this.#options, nowMs, 'half_open');
    this.#become(new HalfOpen(this.#steps, this.#demand, nowMs));
  }

  /** Closes the circuit when the ramp is done. */
  #closeAfter(nowMs: number, half: HalfOpen): boolean {
    if (half.share < 1 && (half.probing || this.#options.rampMs > 0)) return false;
    this.#openedBy = undefined;
    this.#become({ state: 'closed', sinceMs: nowMs });
    return true;
  }

  #become(generation: Generation): void {
    this.#generation = generation;
    this.#options.onChange?.(generation.state);
  }
}
