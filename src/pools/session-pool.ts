import type { Clock } from '../clock.js';
import { ConnectWarnings } from './connect-warnings.js';
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
import { IdleSessions, type Slot } from './idle-sessions.js';
import { type Lender, LentConnection } from './lent-connection.js';
import type { ConnectTrouble, Session, SessionDriver } from './session.js';
import { Sweeper } from './sweeper.js';
import { timeLimit } from './time-limit.js';
import { Waiters } from './waiters.js';

/** The engine-neutral settings of a pool. Durations in milliseconds. */
export interface SessionPoolOptions {
  readonly name: string;
  readonly max: number;
  readonly minIdle: number;
  readonly idleTimeoutMs: number;
  readonly maxLifetimeMs: number;
  readonly validateAfterIdleMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly listener: PoolListener;
}

/** For the answer to an empty round trip. */
const VALIDATION_LIMIT_MS = 500;
/**
 * After a loss its siblings get this long to be lost as well, so that one restart is one outage; a crash of the
 * server, which has no code, takes longer to reach them all.
 */
const SETTLE_MS = 3;
const SETTLE_AFTER_CRASH_MS = 15;
/** The share of the lifetime by which sessions born together may end apart. */
const LIFETIME_JITTER = 0.1;

const DONE: Promise<void> = Promise.resolve();

/**
 * A bounded set of sessions, whatever the engine. Every session of the set is in one place: idle, lent, or on its way
 * between the two (being cleaned, validated or closed); a place in the set is free only when its socket is closed.
 *
 * Doubt is by generation: a loss or a failed connect starts a new one, and no session of an older generation is lent
 * before an empty round trip has proved it good. The first proof ends the outage.
 */
export class SessionPool implements ConnectionPool, ConnectorOwner, Lender<Slot> {
  readonly name: string;
  readonly max: number;
  readonly #options: SessionPoolOptions;
  readonly #driver: SessionDriver;
  readonly #clock: Clock;
  readonly #connector: Connector;
  readonly #slots = new Map<Session, Slot>();
  readonly #idle = new IdleSessions();
  readonly #waiters: Waiters<Connection>;
  readonly #sweeper: Sweeper;
  readonly #warnings: ConnectWarnings;
  readonly #idleTimeoutMs: number;
  #state: PoolState = 'down';
  #downSinceMs: number | undefined;
  /** The present outage was told to the listener. */
  #announced = false;
  #generation = 0;
  #inUse = 0;
  #opened = 0;
  #connectFailures = 0;
  #lost = 0;
  #cancels = 0;
  #closing: Promise<void> | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(options: SessionPoolOptions, driver: SessionDriver) {
    this.name = options.name;
    this.max = options.max;
    this.#options = options;
    this.#driver = driver;
    this.#clock = options.clock;
    this.#idleTimeoutMs = options.idleTimeoutMs > 0 ? options.idleTimeoutMs : Number.POSITIVE_INFINITY;
    this.#connector = new Connector(driver, this, options.clock, options.random);
    this.#waiters = new Waiters(options.clock, () => new AcquireTimeoutError(options.name));
    this.#sweeper = new Sweeper(options.clock, () => this.#sweep());
    this.#warnings = new ConnectWarnings((code, message) => options.listener.onWarning(code, message));
    this.#downSinceMs = this.#clock.nowMs();
    this.#pursue();
  }

  get state(): PoolState {
    return this.#state;
  }

  get downSinceMs(): number | undefined {
    return this.#downSinceMs;
  }

  tryAcquire(): Connection | undefined {
    const slot = this.#idle.top;
    if (slot === undefined) return undefined;
    this.#idle.pop();
    // All below have been idle for longer, so looking further is of no use.
    if (this.#clock.nowMs() - slot.idleSinceMs < this.#options.validateAfterIdleMs) return this.#lend(slot);
    void this.#validate(slot);
    return undefined;
  }

  acquire(request: AcquireRequest): Promise<Connection> {
    if (this.#state === 'closed') return Promise.reject(new PoolClosedError(this.name));
    if (request.deadlineAtMs <= this.#clock.nowMs()) return Promise.reject(new AcquireTimeoutError(this.name));
    const free = this.tryAcquire();
    if (free !== undefined) return Promise.resolve(free);
    const connection = this.#waiters.wait(request.rank, request.deadlineAtMs);
    this.#pursue();
    return connection;
  }

  classify(error: unknown): FailureKind {
    return this.#driver.classify(error);
  }

  gauges(): PoolGauges {
    const total = this.#slots.size;
    return {
      state: this.#state,
      max: this.max,
      total,
      idle: this.#idle.size,
      inUse: this.#inUse,
      connecting: this.#connector.connecting,
      cleaning: total - this.#idle.size - this.#inUse,
      acquiring: this.#waiters.size,
      opened: this.#opened,
      connectFailures: this.#connectFailures,
      lost: this.#lost,
      cancels: this.#cancels,
    };
  }

  close(deadlineAtMs: number): Promise<void> {
    this.#closing ??= this.#close(deadlineAtMs);
    return this.#closing;
  }

  /** @internal */
  takeBack(slot: Slot): Promise<void> {
    if (slot.lent) {
      slot.lent = false;
      this.#inUse -= 1;
    }
    const { session } = slot;
    if (!session.alive) return DONE;
    if (!session.clean) return this.#restore(slot);
    if (slot.generation !== this.#generation) return this.#validate(slot);
    this.#offer(slot);
    return DONE;
  }

  /** @internal */
  onOpened(session: Session, generation: number): void {
    const { maxLifetimeMs, random } = this.#options;
    const nowMs = this.#clock.nowMs();
    const lifetimeMs = maxLifetimeMs > 0 ? maxLifetimeMs * (1 - LIFETIME_JITTER * random()) : Number.POSITIVE_INFINITY;
    const slot: Slot = { session, generation, expiresAtMs: nowMs + lifetimeMs, idleSinceMs: nowMs, lent: false };
    this.#slots.set(session, slot);
    this.#opened += 1;
    this.#warnings.clear();
    // It may have been accepted just before the server went away.
    if (generation === this.#generation) this.#offer(slot);
    else void this.#validate(slot);
    this.#pursue();
  }

  /** @internal */
  onConnectFailed(error: unknown, trouble: ConnectTrouble): void {
    this.#connectFailures += 1;
    if (this.#state === 'closed') {
      this.#checkEmpty();
      return;
    }
    this.#warnings.give(trouble, error);
    // A server that refuses this one connection is a server that answers: what is open goes on.
    if (trouble !== 'unreachable' && this.#slots.size > 0) this.#goUp();
    else this.#goDown(error, 0);
    this.#pursue();
  }

  /** @internal */
  onMayConnect(): void {
    this.#pursue();
  }

  /** @internal */
  onLost(session: Session, error: unknown): void {
    this.#lost += 1;
    const slot = this.#slots.get(session);
    if (slot === undefined) return;
    this.#idle.remove(slot);
    // The loss of a session that was in doubt already is no news.
    if (slot.generation !== this.#generation || this.#state === 'closed' || !this.#driver.isOutage(error)) return;
    this.#connector.settle();
    this.#goDown(error, hasCode(error) ? SETTLE_MS : SETTLE_AFTER_CRASH_MS);
    this.#pursue();
  }

  /** @internal */
  onClosed(session: Session): void {
    const slot = this.#slots.get(session);
    if (slot === undefined) return;
    this.#slots.delete(session);
    this.#idle.remove(slot);
    if (slot.lent) {
      slot.lent = false;
      this.#inUse -= 1;
    }
    this.#checkEmpty();
    this.#pursue();
  }

  /** @internal */
  onCancelSent(): void {
    this.#cancels += 1;
  }

  #lend(slot: Slot): Connection {
    slot.lent = true;
    this.#inUse += 1;
    return new LentConnection(slot, this);
  }

  /** Gives a clean session of the present generation to whoever is next. */
  #offer(slot: Slot): void {
    const nowMs = this.#clock.nowMs();
    if (this.#state === 'closed' || slot.expiresAtMs <= nowMs) {
      slot.session.retire();
      return;
    }
    const wasDown = this.#state === 'down';
    if (wasDown) this.#setUp();
    if (!this.#waiters.serve(nowMs, () => this.#lend(slot))) {
      slot.idleSinceMs = nowMs;
      this.#idle.push(slot);
      const idleEndMs = this.#spare > 0 ? nowMs + this.#idleTimeoutMs : Number.POSITIVE_INFINITY;
      this.#sweeper.by(nowMs, Math.min(idleEndMs, slot.expiresAtMs));
    }
    if (wasDown) this.#tellUp();
  }

  async #restore(slot: Slot): Promise<void> {
    if (!(await slot.session.restore())) return;
    if (slot.generation === this.#generation) this.#offer(slot);
    else await this.#validate(slot);
  }

  /** Lends a session in doubt again only after an answer to a question that was asked after the doubt arose. */
  async #validate(slot: Slot): Promise<void> {
    let asked: number;
    do {
      asked = this.#generation;
      if (!(await slot.session.validate(VALIDATION_LIMIT_MS))) return;
    } while (asked !== this.#generation);
    slot.generation = asked;
    this.#offer(slot);
  }

  #goDown(error: unknown, settleMs: number): void {
    const nowMs = this.#clock.nowMs();
    if (this.#state === 'up') {
      this.#state = 'down';
      this.#downSinceMs = nowMs;
      this.#generation += 1;
      const suspects = this.#idle.drain();
      if (suspects.length > 0) {
        timeLimit(this.#clock, settleMs, () => {
          for (const slot of suspects) void this.#validate(slot);
        });
      }
    }
    if (this.#announced) return;
    this.#announced = true;
    this.#options.listener.onDown(nowMs, error);
  }

  #goUp(): void {
    if (this.#state !== 'down') return;
    this.#setUp();
    this.#tellUp();
  }

  #setUp(): void {
    this.#state = 'up';
    this.#downSinceMs = undefined;
    this.#announced = false;
    this.#connector.relax();
  }

  #tellUp(): void {
    this.#options.listener.onUp(this.#clock.nowMs());
    this.#pursue();
  }

  /** Opens what is missing: one prober while down, else what waiting borrowers and the floor need. */
  #pursue(): void {
    if (this.#state === 'closed') return;
    const room = this.max - this.#slots.size;
    const missing = this.#options.minIdle - this.#slots.size;
    const needed = this.#state === 'down' ? 1 : Math.max(this.#waiters.size, missing);
    this.#connector.pursue(Math.min(room, needed), this.#generation);
  }

  #sweep(): void {
    const nowMs = this.#clock.nowMs();
    for (const slot of this.#idle.takeExpired(nowMs, this.#idleTimeoutMs, this.#spare)) slot.session.retire();
    this.#sweeper.by(nowMs, this.#idle.nextExpiryMs(this.#idleTimeoutMs, this.#spare));
  }

  /** How many sessions there are beyond the floor. */
  get #spare(): number {
    return this.#idle.size + this.#inUse - this.#options.minIdle;
  }

  async #close(deadlineAtMs: number): Promise<void> {
    this.#state = 'closed';
    this.#downSinceMs = undefined;
    this.#waiters.clear(() => new PoolClosedError(this.name));
    this.#connector.stop();
    this.#sweeper.stop();
    this.#idle.drain();
    for (const slot of this.#slots.values()) {
      if (!slot.lent && slot.session.clean) slot.session.retire();
    }
    const limit = timeLimit(this.#clock, deadlineAtMs - this.#clock.nowMs(), () => {
      for (const slot of this.#slots.values()) slot.session.destroy();
    });
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
      this.#checkEmpty();
    });
    limit.cancel();
  }

  #checkEmpty(): void {
    if (this.#slots.size === 0 && this.#connector.connecting === 0) this.#onEmpty?.();
  }
}

function hasCode(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code !== undefined;
}
