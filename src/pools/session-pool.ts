import type { Clock } from '../clock.js';
import { Ageing } from './ageing.js';
import { Closing } from './closing.js';
import {
  type AcquireRequest,
  type Connection,
  type ConnectionPool,
  type FailureKind,
  PoolClosedError,
  type PoolGauges,
  type PoolListener,
  type PoolState,
} from './contract.js';
import type { Growth } from './growth.js';
import { Lending } from './lending.js';
import type { LoginChange, RotateOptions } from './login.js';
import { Reachability } from './reachability.js';
import { Rotation } from './rotation.js';
import type { OpeningStage, SessionDriver } from './session.js';
import { SessionSet } from './session-set.js';
import { Sweeper } from './sweeper.js';
import { Upkeep } from './upkeep.js';

/** The engine-neutral settings of a pool. Durations in milliseconds. */
export interface SessionPoolOptions {
  readonly name: string;
  readonly max: number;
  /** What the pool may have at first, until {@link SessionPool.resize}; 0 to `max`, which is the default. */
  readonly startMax?: number | undefined;
  readonly minIdle: number;
  readonly idleTimeoutMs: number;
  readonly maxLifetimeMs: number;
  readonly validateAfterIdleMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly listener: PoolListener;
}

/** A bounded set of sessions, whatever the engine: what its owner and its borrowers see of it. */
export class SessionPool implements ConnectionPool {
  readonly name: string;
  readonly #options: SessionPoolOptions;
  readonly #driver: SessionDriver;
  readonly #sessions: SessionSet;
  readonly #reach: Reachability;
  readonly #lending: Lending;
  readonly #upkeep: Upkeep;
  readonly #growth: Growth;
  readonly #rotation: Rotation;
  readonly #closing: Closing;

  constructor(options: SessionPoolOptions, driver: SessionDriver) {
    const { name, clock, listener, minIdle, idleTimeoutMs, startMax = options.max } = options;
    this.name = name;
    this.#options = options;
    this.#driver = driver;
    const sessions = new SessionSet(minIdle, startMax);
    const reach = new Reachability(listener, clock.nowMs());
    const ageing = new Ageing(sessions, () => upkeep.growth.pursue());
    const canConnect = (): boolean => upkeep.growth.canConnect;
    const sweeper = new Sweeper({ clock, sessions, ageing, idleTimeoutMs, canConnect });
    const onRegained = (): void => upkeep.onRegained();
    const lending = new Lending({ ...options, sessions, reach, sweeper, ageing, onRegained });
    const onLess = (): void => closing.onLess();
    const upkeep = new Upkeep(driver, startMax, { ...options, sessions, reach, lending, ageing, onLess });
    const closing = new Closing({ pool: name, clock, sessions, reach, lending, sweeper, upkeep });
    this.#sessions = sessions;
    this.#reach = reach;
    this.#lending = lending;
    this.#upkeep = upkeep;
    this.#growth = upkeep.growth;
    this.#rotation = new Rotation(driver, { pool: name, clock, sessions, reach, renewal: upkeep.renewal });
    this.#closing = closing;
    this.#growth.pursue();
  }

  get max(): number {
    return this.#growth.max;
  }

  get state(): PoolState {
    return this.#reach.state;
  }

  get downSinceMs(): number | undefined {
    return this.#reach.downSinceMs;
  }

  get shared(): boolean {
    return this.#driver.shared === true;
  }

  get connectStage(): OpeningStage | undefined {
    return this.#upkeep.stage;
  }

  tryAcquire(): Connection | undefined {
    return this.#lendFree();
  }

  acquire(request: AcquireRequest): Promise<Connection> {
    if (this.#reach.state === 'closed') return Promise.reject(new PoolClosedError(this.name));
    const nowMs = this.#options.clock.nowMs();
    if (request.deadlineAtMs <= nowMs) return Promise.reject(this.#lending.late());
    const free = this.#lendFree();
    if (free !== undefined) return Promise.resolve(free);
    const connection = this.#lending.wait(request);
    this.#growth.waits(nowMs);
    return connection;
  }

  giveUp(requests: ReadonlySet<AcquireRequest>): void {
    this.#lending.giveUp(requests);
  }

  classify(error: unknown): FailureKind {
    return this.#driver.classify(error);
  }

  gauges(): PoolGauges {
    return {
      state: this.#reach.state,
      max: this.max,
      granted: this.#growth.granted,
      total: this.#sessions.size,
      idle: this.#sessions.idle.size,
      inUse: this.#sessions.inUse,
      connecting: this.#upkeep.connecting,
      cleaning: this.#sessions.between,
      acquiring: this.#lending.waiting,
      acquireTimeouts: this.#lending.timeouts,
      ...this.#upkeep.counts,
    };
  }

  doubt(): void {
    this.#upkeep.doubt();
  }

  recycle(): void {
    this.#upkeep.renewal.recycle();
  }

  resize(max: number): void {
    if (!Number.isInteger(max) || max < 0 || max > this.#options.max) {
      throw new RangeError(
        `pool "${this.name}" cannot have ${max} sessions: use a whole number, 0 to ${this.#options.max}`,
      );
    }
    if (max === this.max || this.#reach.state === 'closed') return;
    this.#growth.resize(max);
    this.#sessions.resize(max);
    this.#growth.pursue();
  }

  rotate(change: LoginChange, options: RotateOptions = {}): Promise<void> {
    return this.#rotation.rotate(change, options);
  }

  close(deadlineAtMs: number): Promise<void> {
    return this.#closing.close(deadlineAtMs);
  }

  #lendFree(): Connection | undefined {
    const free = this.#lending.tryLend();
    if (free !== undefined) this.#growth.lent();
    return free;
  }
}
