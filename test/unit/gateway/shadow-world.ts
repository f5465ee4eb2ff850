import { type Deadline, DeadlineTimer } from '../../../src/admission/deadline-timer.js';
import { EventLoopGuard, type LoopTimes } from '../../../src/admission/event-loop-guard.js';
import { Gate, type GateClient } from '../../../src/admission/gate.js';
import { LoopLag } from '../../../src/admission/loop-lag.js';
import type { Clock } from '../../../src/clock.js';
import type { Mode, RouteOptions } from '../../../src/config/options.js';
import { resolveConfig } from '../../../src/config/resolve.js';
import { Bulkhead } from '../../../src/core/bulkhead.js';
import { ServiceTimes } from '../../../src/core/service-times.js';
import type { Refusal } from '../../../src/errors.js';
import type { RequestWork } from '../../../src/gateway/request-work.js';
import { RouteEntry } from '../../../src/gateway/route-entry.js';
import { newRoute, type RouteRuntime } from '../../../src/gateway/route-runtime.js';
import type { WorkHost } from '../../../src/gateway/work-contract.js';
import { RateLimit } from '../../../src/rate-limit/rate-limit.js';
import { VirtualClock } from '../../support/virtual-clock.js';

/** One request as it comes, whatever becomes of it. Durations in milliseconds. */
export interface Call {
  readonly route: string;
  readonly atMs: number;
  readonly serviceMs: number;
  readonly bodyMs?: number;
  /** When the client leaves, after the arrival. */
  readonly leavesMs?: number;
  readonly budgetMs?: number;
  readonly callerKey?: string;
  readonly tenant?: string;
  readonly seats?: number;
  /** For how long, within its service, it waits for what is not its seat. */
  readonly connectMs?: number;
}

/** What became of it, in words that both modes can say: a wait, a code, or `left`. */
export type Fate = number | string;

/**
 * Fires to the instant. A `DeadlineTimer` rounds its delays up to milliseconds, which the shadow waits for and real
 * work does not; with that, two worlds would differ by chance.
 */
class PreciseTimer extends DeadlineTimer {
  readonly #dues: Set<number>;

  constructor(clock: Clock) {
    const dues = new Set<number>();
    const exactly = (nowMs: number, delayMs: number): number => {
      let firstMs = nowMs + delayMs;
      for (const dueMs of dues) {
        if (dueMs <= nowMs) dues.delete(dueMs);
        else if (dueMs > nowMs + delayMs - 1) firstMs = Math.min(firstMs, dueMs);
      }
      return firstMs - nowMs;
    };
    super({
      nowMs: () => clock.nowMs(),
      after: (delayMs, run) => clock.after(exactly(clock.nowMs(), delayMs), run),
      afterInput: (run) => clock.afterInput(run),
    });
    this.#dues = dues;
  }

  override set(deadline: Deadline, dueAtMs: number, nowMs: number): void {
    this.#dues.add(dueAtMs);
    super.set(deadline, dueAtMs, nowMs);
  }
}

/** The gateway's way of requests through one pool in one mode, on a virtual clock, with work that load does not slow. */
export class ShadowWorld {
  readonly mode: Mode;
  readonly clock: VirtualClock = new VirtualClock();
  readonly timer: DeadlineTimer = new PreciseTimer(this.clock);
  readonly gate: Gate;
  readonly visits: Visit[] = [];
  readonly #entries = new Map<string, RouteEntry>();
  #free = Number.POSITIVE_INFINITY;
  readonly #line: (() => void)[] = [];

  /** Makes work wait in line for one of so many connections. Default: there is one for everybody. */
  withConnections(count: number): this {
    this.#free = count;
    return this;
  }

  /** Runs with a connection; true where one is free now. */
  connect(run: () => void): boolean {
    if (this.#free === 0) {
      this.#line.push(run);
      return false;
    }
    this.#free--;
    run();
    return true;
  }

  /** A connection is free again. */
  disconnect(): void {
    const next = this.#line.shift();
    if (next === undefined) this.#free++;
    else next();
  }

  /** @param maxLagMs - Lag from which the event-loop guard sheds. Default: there is no guard. */
  constructor(mode: Mode, seats: number, routes: Readonly<Record<string, RouteOptions>>, maxLagMs?: number) {
    this.mode = mode;
    const servesTopClass = Object.values(routes).some(({ priority }) => priority === 'critical');
    this.gate = new Gate(new Bulkhead<GateClient>({ seats, servesTopClass }), this.clock, this.timer);
    const lag = new LoopLag(this.clock);
    const loopTimes = (): LoopTimes => ({ idle: 0, active: this.clock.nowMs() });
    const guard = maxLagMs === undefined ? undefined : new EventLoopGuard(lag, maxLagMs, loopTimes);
    const context = { mode, clock: this.clock, timer: this.timer, lag, warn: () => undefined };
    for (const config of resolveConfig({ routes }, {}).routes.values()) {
      const refillPerSecond = config.ratePerSecond;
      const runtime = newRoute(config, {
        times: new ServiceTimes(),
        window: undefined,
        rate:
          refillPerSecond === undefined
            ? undefined
            : new RateLimit({ endpoint: { refillPerSecond, burst: config.burst } }),
        pool: undefined,
        gate: this.gate,
      });
      this.#entries.set(config.name, new RouteEntry(runtime, context, lag, { draining: false }, guard));
    }
  }

  entry(route: string): RouteEntry {
    const entry = this.#entries.get(route);
    if (entry === undefined) throw new RangeError(`the world has no route "${route}"`);
    return entry;
  }

  runtime(route: string): RouteRuntime {
    return this.entry(route).runtime;
  }

  /** Calls come in the order given; each goes as far as it can. */
  expect(calls: readonly Call[]): this {
    for (const call of calls) this.clock.input(call.atMs - this.clock.nowMs(), () => this.arrive(call));
    return this;
  }

  arrive(call: Call): Visit {
    const visit = new Visit(this, call);
    this.visits.push(visit);
    visit.arrive();
    return visit;
  }
}

/** Client and database of one request. */
export class Visit implements WorkHost {
  readonly #world: ShadowWorld;
  readonly call: Call;
  readonly #work: RequestWork;
  #fate: Fate | undefined;
  #connected = false;
  answeredAtMs: number | undefined;

  constructor(world: ShadowWorld, call: Call) {
    this.#world = world;
    this.call = call;
    this.#work = world.entry(call.route).classify(world.clock.nowMs(), this, call);
  }

  get work(): RequestWork {
    return this.#work;
  }

  /** What became of it, or in mode `observe` of its shadow. */
  get fate(): Fate | undefined {
    const { shadow } = this.#work;
    if (this.#world.mode !== 'observe') return this.#fate;
    if (shadow?.fate === undefined) return this.#fate;
    if (shadow.fate.kind === 'queued') return shadow.ticket.state === 'ended' ? 'left' : undefined;
    return shadow.fate.kind === 'admit' ? shadow.fate.waitMs : shadow.fate.code;
  }

  arrive(): void {
    const { clock } = this.#world;
    const { leavesMs, bodyMs, route } = this.call;
    const refusal = this.#world.entry(route).preflight(clock.nowMs(), this.#work);
    if (refusal !== undefined) return this.refuse(refusal);
    if (leavesMs !== undefined) clock.input(leavesMs, () => this.#leave());
    if (bodyMs === undefined) return this.#enter();
    this.#work.awaitBody(clock.nowMs());
    clock.input(bodyMs, () => this.#work.ticket.state === 'new' && this.#enter());
  }

  proceed(nowMs: number): void {
    const { clock } = this.#world;
    const { atMs, serviceMs, bodyMs = 0, connectMs = 0 } = this.call;
    this.#fate = nowMs - atMs - bodyMs;
    if (connectMs > 0) {
      this.#work.shadow?.pause(nowMs);
      clock.input(connectMs, () => this.#work.shadow?.resume(clock.nowMs()));
    }
    let waits = false;
    const runs = this.#world.connect(() => {
      this.#connected = true;
      if (waits) this.#work.shadow?.resume(clock.nowMs());
      clock.input(connectMs + serviceMs, () => {
        this.answeredAtMs ??= clock.nowMs();
        this.#work.complete(clock.nowMs(), 'succeeded');
        this.#disconnect();
      });
    });
    waits = !runs;
    if (waits) this.#work.shadow?.pause(nowMs);
  }

  #disconnect(): void {
    if (this.#connected) this.#world.disconnect();
    this.#connected = false;
  }

  refuse(refusal: Refusal): void {
    this.#fate = refusal.code;
  }

  expire(refusal: Refusal): void {
    this.#fate = refusal.code;
    this.#disconnect();
  }

  streaming(): boolean {
    return false;
  }

  #enter(): void {
    const { clock } = this.#world;
    const arrival = this.#work.enter(clock.nowMs());
    if (arrival === 'leased') this.proceed(clock.nowMs());
    else if (arrival !== 'queued') this.refuse(arrival);
  }

  #leave(): void {
    if (this.#work.answered) return;
    this.#fate ??= 'left';
    this.#work.clientGone(this.#world.clock.nowMs());
  }
}
