import { DeadlineTimer } from '../../src/admission/deadline-timer.js';
import { Gate, type GateClient } from '../../src/admission/gate.js';
import { LoopLag } from '../../src/admission/loop-lag.js';
import type { RouteOptions } from '../../src/config/options.js';
import { resolveConfig } from '../../src/config/resolve.js';
import { Bulkhead } from '../../src/core/bulkhead.js';
import type { Discipline } from '../../src/core/discipline.js';
import { ServiceTimes } from '../../src/core/service-times.js';
import type { Refusal } from '../../src/errors.js';
import type { RequestWork } from '../../src/gateway/request-work.js';
import { RouteEntry } from '../../src/gateway/route-entry.js';
import { newRoute } from '../../src/gateway/route-runtime.js';
import type { WorkHost } from '../../src/gateway/work-contract.js';
import type { RouteStats } from '../../src/telemetry/route-stats.js';
import { VirtualClock } from '../support/virtual-clock.js';

/** How one request of a scenario went. Instants in milliseconds; those that did not come are `undefined`. */
export interface Trace {
  readonly route: string;
  readonly arrivedAtMs: number;
  startedAtMs?: number;
  answeredAtMs?: number;
  expiredAtMs?: number;
  refusal?: Refusal;
}

/** The gateway's way of a request through one pool, on a virtual clock; only the database is a number. */
export class PoolModel {
  readonly clock: VirtualClock = new VirtualClock();
  readonly timer: DeadlineTimer = new DeadlineTimer(this.clock);
  readonly gate: Gate;
  readonly traces: Trace[] = [];
  /** What a refusal costs the process, in milliseconds. */
  refusalCostMs = 0;
  /** Called after each request that was served. */
  onServed: () => void = () => undefined;
  readonly #lag = new LoopLag(this.clock);
  readonly #entries = new Map<string, RouteEntry>();

  constructor(seats: number, routes: Readonly<Record<string, RouteOptions>>, discipline: Partial<Discipline> = {}) {
    const servesTopClass = Object.values(routes).some(({ priority }) => priority === 'critical');
    this.gate = new Gate(new Bulkhead<GateClient>({ seats, servesTopClass, discipline }), this.clock, this.timer);
    const context = {
      mode: 'enforce',
      clock: this.clock,
      timer: this.timer,
      lag: this.#lag,
      warn: () => undefined,
    } as const;
    for (const config of resolveConfig({ routes }, {}).routes.values()) {
      const runtime = newRoute(config, {
        times: new ServiceTimes(),
        window: undefined,
        rate: undefined,
        pool: undefined,
        gate: this.gate,
      });
      this.#entries.set(config.name, new RouteEntry(runtime, context, this.#lag, { draining: false }));
    }
  }

  stats(route: string): RouteStats {
    return this.#entry(route).runtime.stats;
  }

  /** Nine of ten requests of a route hold their seat no longer, as far as is known, in milliseconds. */
  p90Ms(route: string): number {
    return this.#entry(route).runtime.times.p90(this.clock.nowMs());
  }

  /** A request that needs the database for `serviceMs` arrives now. */
  request(route: string, serviceMs: number): Trace {
    const nowMs = this.clock.nowMs();
    const trace: Trace = { route, arrivedAtMs: nowMs };
    this.traces.push(trace);
    const entry = this.#entry(route);
    const host = new ModelHost(this, trace, serviceMs);
    const work = entry.classify(nowMs, host, {});
    host.work = work;
    const refusal = entry.preflight(nowMs, work);
    const arrival = refusal ?? work.enter(nowMs);
    if (arrival === 'leased') host.proceed();
    else if (arrival !== 'queued') host.refuse(arrival);
    return trace;
  }

  /** Requests arrive at random, so many a second on average, until an instant. */
  load(route: string, perSecond: number, untilMs: number, random: () => number, serviceMs: () => number): void {
    const next = (): void => {
      const gapMs = (-Math.log(1 - random()) / perSecond) * 1_000;
      if (this.clock.nowMs() + gapMs > untilMs) return;
      this.clock.input(gapMs, () => {
        this.request(route, serviceMs());
        next();
      });
    };
    next();
  }

  #entry(route: string): RouteEntry {
    const entry = this.#entries.get(route);
    if (entry === undefined) throw new RangeError(`the model has no route "${route}"`);
    return entry;
  }
}

/** Client and database of one request. */
class ModelHost implements WorkHost {
  readonly #model: PoolModel;
  readonly #trace: Trace;
  readonly #serviceMs: number;
  work: RequestWork | undefined;

  constructor(model: PoolModel, trace: Trace, serviceMs: number) {
    this.#model = model;
    this.#trace = trace;
    this.#serviceMs = serviceMs;
  }

  proceed(): void {
    const { clock } = this.#model;
    this.#trace.startedAtMs = clock.nowMs();
    clock.input(this.#serviceMs, () => {
      if (this.#trace.expiredAtMs !== undefined) return;
      this.#trace.answeredAtMs = clock.nowMs();
      this.work?.complete(clock.nowMs(), 'succeeded');
      this.#model.onServed();
    });
  }

  refuse(refusal: Refusal): void {
    this.#model.clock.spend(this.#model.refusalCostMs);
    this.#trace.refusal = refusal;
    this.#trace.answeredAtMs = this.#model.clock.nowMs();
  }

  expire(): void {
    this.#trace.expiredAtMs = this.#model.clock.nowMs();
  }

  streaming(): boolean {
    return false;
  }
}

/** The value that a share of the numbers does not exceed. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN;
}

/** From arrival to answer. */
export function latencies(traces: readonly Trace[]): number[] {
  return traces.flatMap(({ arrivedAtMs, answeredAtMs }) =>
    answeredAtMs === undefined ? [] : [answeredAtMs - arrivedAtMs],
  );
}
