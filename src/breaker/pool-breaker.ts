import type { Clock, Timer } from '../clock.js';
import { Circuit, type CircuitSettings } from './circuit.js';

/** `closed` lets everything through, `open` nothing, `half_open` one probe at a time. */
export type BreakerState = 'closed' | 'open' | 'half_open';

/**
 * What a finished call says about its pool. `neutral` says nothing: the application's own errors, contention, a client
 * that left.
 */
export type Verdict = 'success' | 'failure' | 'neutral';

/** What {@link PoolBreaker} is made of. */
export interface PoolBreakerOptions extends CircuitSettings {
  /** How long the circuit stays open, in milliseconds; spread by 20 % either way at each opening. */
  readonly resetMs: number;
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

/** Bounds the lease of a probe without a deadline: half-open must end whatever happens to it. */
const LONGEST_PROBE_LEASE_MS = 30_000;

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

interface HalfOpen {
  readonly state: 'half_open';
  readonly sinceMs: number;
  probe: Pass | undefined;
  leaseUntilMs: number;
}

/** One period in one state. A pass counts only while the generation that gave it lasts. */
type Generation = Closed | Open | HalfOpen;

type Report = (pass: Pass, verdict: Verdict, nowMs: number | undefined) => void;

class Pass implements BreakerPass {
  readonly generation: Generation;
  readonly #report: Report;
  #settled = false;

  constructor(generation: Generation, report: Report) {
    this.generation = generation;
    this.#report = report;
  }

  settle(verdict: Verdict, nowMs?: number): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#report(this, verdict, nowMs);
  }
}

/**
 * The circuit breaker of one pool, for database work only. It answers to failures and slowness while connected; a
 * database that cannot be reached is the pool's own business.
 *
 * opossum is the state machine and keeps the statistics ({@link Circuit}). Around it stand generations, so that late
 * results move nothing, and leases for probes, so that a lost one cannot keep the circuit half-open.
 */
export class PoolBreaker {
  readonly name: string;
  readonly #options: PoolBreakerOptions;
  readonly #report: Report = (pass, verdict, nowMs) => this.#settled(pass, verdict, nowMs);
  #circuit: Circuit;
  #generation: Generation;
  #down = false;

  constructor(options: PoolBreakerOptions) {
    this.name = options.name;
    this.#options = options;
    const nowMs = options.clock.nowMs();
    this.#circuit = new Circuit(options, nowMs, 'closed');
    this.#generation = { state: 'closed', sinceMs: nowMs };
  }

  get state(): BreakerState {
    return this.#generation.state;
  }

  /** The instant at which the present state began. */
  get sinceMs(): number {
    return this.#generation.sinceMs;
  }

  /** Whether a call that wants to enter now would be refused. Changes nothing. */
  refuses(nowMs: number): boolean {
    const now = this.#generation;
    if (now.state === 'closed') return false;
    return now.state === 'open' || probing(now, nowMs);
  }

  /**
   * How long until entering is worth another try, in milliseconds: until the circuit becomes half-open, or until the
   * lease of the present probe ends, at most one reset time. 0 when nothing is refused.
   */
  retryAfterMs(nowMs: number): number {
    const now = this.#generation;
    if (now.state === 'closed') return 0;
    if (now.state === 'open') return Math.max(0, now.untilMs - nowMs);
    return probing(now, nowMs) ? Math.min(now.leaseUntilMs - nowMs, this.#options.resetMs) : 0;
  }

  /**
   * Asks for permission for one call.
   *
   * @param leaseUntilMs - The instant by which the call will have been settled, usually its deadline. A probe that is
   *   still unsettled then loses its place (after 30 s at the latest).
   * @returns `undefined` when refused.
   */
  enter(nowMs: number, leaseUntilMs: number): BreakerPass | undefined {
    const now = this.#generation;
    if (now.state === 'closed') return new Pass(now, this.#report);
    if (now.state === 'open' || probing(now, nowMs)) return undefined;
    const pass = new Pass(now, this.#report);
    now.probe = pass;
    now.leaseUntilMs = Math.min(leaseUntilMs, nowMs + LONGEST_PROBE_LEASE_MS);
    return pass;
  }

  /** Calls and failures in the present window. */
  statistics(nowMs: number): { calls: number; failures: number } {
    return this.#down ? { calls: 0, failures: 0 } : this.#circuit.statistics(nowMs);
  }

  /** Disarms every timer. The state stays what it is, and verdicts no longer count. */
  shutdown(): void {
    this.#down = true;
    if (this.#generation.state === 'open') this.#generation.timer.cancel();
    this.#circuit.shutdown();
  }

  #settled(pass: Pass, verdict: Verdict, givenMs: number | undefined): void {
    const now = this.#generation;
    if (pass.generation !== now || this.#down) return;
    if (now.state === 'half_open') {
      // A probe whose lease ran out may have a successor; only the holder of the place is heard.
      if (now.probe !== pass) return;
      now.probe = undefined;
    }
    if (verdict === 'neutral') return;
    const nowMs = givenMs ?? this.#options.clock.nowMs();
    if (verdict === 'success') {
      this.#circuit.succeed(nowMs);
      if (now.state === 'half_open') this.#become({ state: 'closed', sinceMs: nowMs });
      return;
    }
    this.#circuit.fail(nowMs);
    if (this.#circuit.opened) this.#open(nowMs);
  }

  #open(nowMs: number): void {
    const { clock, random, resetMs } = this.#options;
    const openForMs = resetMs * (1 - RESET_JITTER + 2 * RESET_JITTER * random());
    const timer = clock.after(openForMs, () => this.#halfOpen());
    this.#become({ state: 'open', sinceMs: nowMs, untilMs: nowMs + openForMs, timer });
  }

  /** A new circuit, so that the failures which opened the old one are not held against a pool that has recovered. */
  #halfOpen(): void {
    if (this.#down) return;
    const nowMs = this.#options.clock.nowMs();
    this.#circuit.shutdown();
    this.#circuit = new Circuit(this.#options, nowMs, 'half_open');
    this.#become({ state: 'half_open', sinceMs: nowMs, probe: undefined, leaseUntilMs: nowMs });
  }

  #become(generation: Generation): void {
    this.#generation = generation;
    this.#options.onChange?.(generation.state);
  }
}

function probing(half: HalfOpen, nowMs: number): boolean {
  return half.probe !== undefined && nowMs < half.leaseUntilMs;
}
