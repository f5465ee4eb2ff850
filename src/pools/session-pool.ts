import type { Clock } from '../clock.js';
import { ConnectWarnings, explainTrouble } from './connect-warnings.js';
import { Connector, type ConnectorOwner } from './connector.js';
import {
  type AcquireRequest,
  AcquireTimeoutError,
  type Connection,
  type ConnectionPool,
  type FailureKind,
  PoolClosedError,
  type PoolGauges,
  type PoolListener,
  type PoolState,
} from './contract.js';
import { Growth } from './growth.js';
import { Lending } from './lending.js';
import { type LoginChange, type RotateOptions, RotationRefusedError } from './login.js';
import { Reachability } from './reachability.js';
import { ReadOnlyWatch } from './read-only-watch.js';
import type { ConnectTrouble, Session, SessionDriver } from './session.js';
import { type Birth, SessionSet } from './session-set.js';
import { settleMs } from './settle-time.js';
import { isLocalShortage } from './socket-errors.js';
import { Sweeper } from './sweeper.js';
import { timeLimit } from './time-limit.js';
import { tryLogin } from './trial.js';

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

/** For work in progress on a login that is expelled. */
const EXPEL_WITHIN_MS = 1_000;

/** A server that answered somebody so lately is not silent, whatever one session does. */
const SILENCE_MS = 500;

/** For sessions that closing has destroyed to be gone from the server, too. */
const CLOSE_GRACE_MS = 1_500;

/** Troubles with connecting that tell of a server that will not serve, or not for long. */
const AWAY: ReadonlySet<ConnectTrouble> = new Set(['unreachable', 'not_accepting']);

/** The share of the lifetime by which sessions born together may end apart. */
const LIFETIME_JITTER = 0.1;

/**
 * A bounded set of sessions, whatever the engine: opens what is needed, hears of what is lost, and ends. Lending is
 * {@link Lending}'s business. The first session that is proved good ends an outage.
 */
export class SessionPool implements ConnectionPool, ConnectorOwner {
  readonly name: string;
  readonly #options: SessionPoolOptions;
  readonly #driver: SessionDriver;
  readonly #clock: Clock;
  readonly #sessions: SessionSet;
  readonly #reach: Reachability;
  readonly #lending: Lending;
  readonly #connector: Connector;
  readonly #sweeper: Sweeper;
  readonly #warnings: ConnectWarnings;
  readonly #growth: Growth;
  readonly #readOnly: ReadOnlyWatch;
  readonly #counts = { opened: 0, connectFailures: 0, localShortages: 0, lost: 0, cancels: 0 };
  #closing: Promise<void> | undefined;
  #adopting: Promise<unknown> = Promise.resolve();
  #onEmpty: (() => void) | undefined;

  constructor(options: SessionPoolOptions, driver: SessionDriver) {
    const { name, clock, listener, validateAfterIdleMs, startMax = options.max } = options;
    this.name = name;
    this.#options = options;
    this.#driver = driver;
    this.#clock = clock;
    const sessions = new SessionSet(options.minIdle, startMax);
    const reach = new Reachability(listener, clock.nowMs());
    const sweeper = new Sweeper(clock, sessions, options.idleTimeoutMs);
    const onRegained = (): void => this.#wentUp();
    this.#lending = new Lending({ name, validateAfterIdleMs, clock, sessions, reach, sweeper, onRegained });
    this.#sessions = sessions;
    this.#reach = reach;
    this.#sweeper = sweeper;
    this.#connector = new Connector(driver, this, clock, options.random);
    this.#warnings = new ConnectWarnings((code, message) => listener.onWarning(code, message));
    this.#readOnly = new ReadOnlyWatch(options.random, listener);
    const parts = { clock, random: options.random, sessions, reach, listener };
    this.#growth = new Growth(startMax, { ...parts, lending: this.#lending, connector: this.#connector });
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

  tryAcquire(): Connection | undefined {
    return this.#lendFree();
  }

  acquire(request: AcquireRequest): Promise<Connection> {
    if (this.#reach.state === 'closed') return Promise.reject(new PoolClosedError(this.name));
    const nowMs = this.#clock.nowMs();
    if (request.deadlineAtMs <= nowMs) return Promise.reject(new AcquireTimeoutError(this.name));
    const free = this.#lendFree();
    if (free !== undefined) return Promise.resolve(free);
    const connection = this.#lending.wait(request);
    this.#growth.waits(nowMs);
    return connection;
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
      connecting: this.#connector.connecting,
      cleaning: this.#sessions.between,
      acquiring: this.#lending.waiting,
      ...this.#counts,
    };
  }

  doubt(): void {
    if (this.#reach.state !== 'up' || this.#lending.askIdle()) return;
    const { size, epoch } = this.#sessions;
    // Those that are lent will tell.
    if (size === 0) this.#connector.pursue(1, { epoch, generation: this.#reach.generation });
  }

  recycle(): void {
    if (this.#reach.state === 'closed') return;
    this.#sessions.outdate();
    this.#growth.pursue();
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

  async rotate(change: LoginChange, { expel = false, withinMs = EXPEL_WITHIN_MS }: RotateOptions = {}): Promise<void> {
    if (!(withinMs >= 0 && withinMs <= 600_000)) {
      throw new RangeError(`withinMs is ${withinMs}: use a number from 0 to 600000`);
    }
    // One after the other, so that the last one that was asked for stays.
    const adopted = this.#adopting.then(() => this.#adopt(change));
    this.#adopting = adopted.catch(() => undefined);
    const epoch = await adopted;
    const limit = expel
      ? timeLimit(this.#clock, withinMs, () => this.#sessions.destroyBefore(epoch))
      : { cancel: () => undefined };
    await this.#sessions.gone(epoch);
    limit.cancel();
  }

  close(deadlineAtMs: number): Promise<void> {
    this.#closing ??= this.#close(deadlineAtMs);
    return this.#closing;
  }

  /** @internal */
  onOpened(session: Session, birth: Birth): void {
    const { maxLifetimeMs, random } = this.#options;
    const lifetimeMs = maxLifetimeMs > 0 ? maxLifetimeMs * (1 - LIFETIME_JITTER * random()) : Number.POSITIVE_INFINITY;
    const slot = this.#sessions.add(this.#clock.nowMs(), session, birth, lifetimeMs);
    this.#counts.opened += 1;
    this.#growth.opened();
    this.#warnings.clear(this.#growth.whole ? undefined : 'crowded');
    // It may have been accepted just before the server went away.
    if (birth.generation === this.#reach.generation) this.#lending.offer(slot);
    else void this.#lending.prove(slot);
    this.#growth.pursue();
  }

  /** @internal */
  onConnectFailed(error: unknown, trouble: ConnectTrouble, sinceMs: number): void {
    this.#counts.connectFailures += 1;
    if (isLocalShortage(error)) this.#counts.localShortages += 1;
    if (this.#reach.state === 'closed') {
      this.#checkEmpty();
      return;
    }
    this.#warnings.give(trouble, error);
    if (this.onlyBoundsGrowth(trouble)) this.#growth.refused();
    // A server that refuses this one connection is a server that answers, and so is one that is slow to accept but
    // works for others meanwhile: what is open goes on.
    const serves = trouble === 'silent' ? this.#lending.lastOfferMs > sinceMs : !AWAY.has(trouble);
    // A server that starts has no sessions; one that has some is stopping, and cannot before they have ended.
    const leaving = trouble === 'not_accepting' && this.#sessions.size > 0;
    if (leaving) this.#sessions.outdate();
    if (serves && this.#sessions.size > 0) {
      if (this.#reach.regain()) this.#wentUp();
    } else {
      this.#goDown(error, 0, leaving);
    }
    this.#growth.pursue();
  }

  /** @internal */
  onlyBoundsGrowth(trouble: ConnectTrouble): boolean {
    return trouble === 'crowded' && this.#sessions.size > 0;
  }

  /** @internal */
  onSilent(): void {
    const answeredMs = this.#clock.nowMs() - this.#lending.lastOfferMs;
    if (this.#reach.state !== 'up' || answeredMs < SILENCE_MS || this.#lending.askIdle()) return;
    this.#goDown(new Error('the database did not answer in time'), 0);
    this.#growth.pursue();
  }

  /** @internal */
  onReadOnly(): void {
    if (this.#readOnly.found(this.#clock.nowMs())) this.recycle();
  }

  /** @internal */
  onConnectGivenUp(): void {
    this.#checkEmpty();
    this.#growth.pursue();
  }

  /** @internal */
  onMayConnect(): void {
    this.#growth.pursue();
  }

  /** @internal */
  onLost(session: Session, error: unknown): void {
    this.#counts.lost += 1;
    const slot = this.#sessions.slotOf(session);
    if (slot === undefined) return;
    this.#sessions.idle.remove(slot);
    const { state, generation } = this.#reach;
    // The loss of a session that was in doubt already is no news.
    if (slot.generation !== generation || state === 'closed' || !this.#driver.isOutage(error)) return;
    this.#connector.settle();
    this.#goDown(error, settleMs(error));
    this.#growth.pursue();
  }

  /** @internal */
  onClosed(session: Session): void {
    if (!this.#sessions.remove(session)) return;
    this.#checkEmpty();
    this.#growth.pursue();
  }

  /** @internal */
  onCancelSent(): void {
    this.#counts.cancels += 1;
  }

  #lendFree(): Connection | undefined {
    const free = this.#lending.tryLend();
    if (free !== undefined) this.#growth.lent();
    return free;
  }

  /** @returns The epoch in which the new login begins. */
  async #adopt(change: LoginChange): Promise<number> {
    if (this.#reach.state === 'closed') throw new PoolClosedError(this.name);
    const login = this.#driver.prepare(change);
    await tryLogin(login).catch((error: unknown) => {
      throw new RotationRefusedError(this.name, explainTrouble(this.#driver.connectTrouble(error), error));
    });
    if (this.state === 'closed') throw new PoolClosedError(this.name);
    login.adopt();
    this.#warnings.clear();
    this.#sessions.outdate();
    const { epoch } = this.#sessions;
    this.#connector.renew();
    this.#growth.pursue();
    return epoch;
  }

  #goDown(error: unknown, settleMs: number, leaving = false): void {
    const nowMs = this.#clock.nowMs();
    if (this.#reach.lose(nowMs)) this.#lending.doubtIdle(settleMs);
    this.#reach.tellDown(nowMs, error, leaving);
  }

  #wentUp(): void {
    this.#connector.relax();
    this.#reach.tellUp(this.#clock.nowMs());
    this.#growth.pursue();
  }

  async #close(deadlineAtMs: number): Promise<void> {
    this.#reach.close();
    this.#lending.refuseAll(() => new PoolClosedError(this.name));
    this.#connector.stop();
    this.#sweeper.stop();
    this.#growth.stop();
    this.#sessions.retireFree();
    let limit = timeLimit(this.#clock, deadlineAtMs - this.#clock.nowMs(), () => {
      this.#sessions.destroyAll();
      limit = timeLimit(this.#clock, CLOSE_GRACE_MS, () => this.#sessions.destroyAll());
    });
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
      this.#checkEmpty();
    });
    limit.cancel();
  }

  #checkEmpty(): void {
    if (this.#sessions.size === 0 && this.#connector.connecting === 0) this.#onEmpty?.();
  }
}
