import type { Clock } from '../clock.js';
import type { Ageing } from './ageing.js';
import { ConnectWarnings } from './connect-warnings.js';
import { Connector, type ConnectorOwner } from './connector.js';
import type { PoolListener } from './contract.js';
import { DepartureWatch } from './departure-watch.js';
import { Growth } from './growth.js';
import type { Lending } from './lending.js';
import type { Reachability } from './reachability.js';
import { ReadOnlyWatch } from './read-only-watch.js';
import { Renewal } from './renewal.js';
import type { ConnectTrouble, OpeningStage, Session, SessionDriver } from './session.js';
import type { Birth, SessionSet } from './session-set.js';
import { settleMs } from './settle-time.js';
import { isLocalShortage } from './socket-errors.js';

/** A server that answered somebody so lately is not silent, whatever one session does. */
const SILENCE_MS = 500;

/** Troubles with connecting that tell of a server that will not serve, or not for long. */
const AWAY: ReadonlySet<ConnectTrouble> = new Set(['unreachable', 'not_accepting']);

/** The share of the lifetime by which sessions born together may end apart. */
const LIFETIME_JITTER = 0.1;

/** What the upkeep of a pool works on. */
export interface UpkeepParts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly listener: PoolListener;
  readonly sessions: SessionSet;
  readonly reach: Reachability;
  readonly lending: Lending;
  readonly ageing: Ageing;
  /** 0 keeps sessions for as long as they live. */
  readonly maxLifetimeMs: number;
  /** There is one session, or one attempt to open one, less. */
  readonly onLess: () => void;
}

/**
 * Keeps a pool in sessions: opens what is needed, hears of what is lost and of what cannot be opened, and judges by that
 * whether the server is there. The first session that is proved good ends an outage.
 */
export class Upkeep implements ConnectorOwner {
  readonly growth: Growth;
  readonly renewal: Renewal;
  readonly counts = { opened: 0, connectFailures: 0, localShortages: 0, lost: 0, cancels: 0 };
  readonly #parts: UpkeepParts;
  readonly #driver: SessionDriver;
  readonly #connector: Connector;
  readonly #warnings: ConnectWarnings;
  readonly #readOnly: ReadOnlyWatch;
  readonly #departure: DepartureWatch;

  /** @param startMax - How many sessions there may be at first. */
  constructor(driver: SessionDriver, startMax: number, parts: UpkeepParts) {
    const { clock, random, listener } = parts;
    this.#parts = parts;
    this.#driver = driver;
    this.#connector = new Connector(driver, this, clock, random);
    this.#warnings = new ConnectWarnings((code, message) => listener.onWarning(code, message));
    this.#readOnly = new ReadOnlyWatch(random, listener);
    this.growth = new Growth(startMax, { ...parts, connector: this.#connector });
    this.renewal = new Renewal({
      ...parts,
      connector: this.#connector,
      growth: this.growth,
      warnings: this.#warnings,
      onRegained: () => this.onRegained(),
    });
    this.#departure = new DepartureWatch({ ...parts, connector: this.#connector, growth: this.growth });
  }

  /** Attempts under way. */
  get connecting(): number {
    return this.#connector.connecting;
  }

  /** See {@link Connector.stage}. */
  get stage(): OpeningStage | undefined {
    return this.#connector.stage;
  }

  /** Something speaks against the server: asks sessions that are idle, or opens one where there is none. */
  doubt(): void {
    const { reach, lending, sessions } = this.#parts;
    if (reach.state !== 'up' || lending.askIdle()) return;
    const { size, epoch } = sessions;
    // Those that are lent will tell.
    if (size === 0) this.#connector.pursue(1, { epoch, generation: reach.generation });
  }

  /** Opens nothing any more. */
  stop(): void {
    this.#connector.stop();
    this.#departure.stop();
    this.growth.stop();
  }

  /** An outage is over. */
  onRegained(): void {
    this.#connector.relax();
    this.#parts.reach.tellUp(this.#parts.clock.nowMs());
    this.growth.pursue();
  }

  onOpened(session: Session, birth: Birth, tookMs: number): void {
    this.#parts.listener.onOpened?.(tookMs);
    const { maxLifetimeMs, random, sessions, clock, reach, lending, ageing } = this.#parts;
    const lifetimeMs = maxLifetimeMs > 0 ? maxLifetimeMs * (1 - LIFETIME_JITTER * random()) : Number.POSITIVE_INFINITY;
    const slot = sessions.add(clock.nowMs(), session, birth, lifetimeMs);
    this.counts.opened += 1;
    // Who keeps its sessions for ever might not get its place again.
    if (maxLifetimeMs > 0 && this.#driver.lingers === true) this.#departure.heard();
    this.growth.opened();
    if (birth.epoch === sessions.epoch && birth.generation === reach.generation) ageing.opened();
    this.#warnings.clear(this.growth.whole ? undefined : 'crowded');
    // It may have been accepted just before the server went away.
    if (birth.generation === reach.generation) lending.offer(slot);
    else void lending.prove(slot);
    this.growth.pursue();
  }

  onConnectFailed(error: unknown, trouble: ConnectTrouble, sinceMs: number): void {
    const { reach, lending, sessions, onLess } = this.#parts;
    this.counts.connectFailures += 1;
    if (isLocalShortage(error)) this.counts.localShortages += 1;
    if (reach.state === 'closed') {
      onLess();
      return;
    }
    this.#warnings.give(trouble, error);
    if (this.onlyBoundsGrowth(trouble)) this.growth.refused();
    // A server that refuses this one connection is a server that answers, and so is one that is slow to accept but
    // works for others meanwhile: what is open goes on.
    const serves = trouble === 'silent' ? lending.lastOfferMs > sinceMs : !AWAY.has(trouble);
    // A server that starts has no sessions; one that has some is stopping, and cannot before they have ended.
    const leaving = trouble === 'not_accepting' && sessions.size > 0;
    if (leaving) this.renewal.atOnce();
    if (!serves || sessions.size === 0) this.#goDown(error, 0, leaving);
    else if (reach.regain()) this.onRegained();
    this.growth.pursue();
  }

  onlyBoundsGrowth(trouble: ConnectTrouble): boolean {
    return trouble === 'crowded' && this.#parts.sessions.size > 0;
  }

  onSilent(): void {
    const { clock, reach, lending } = this.#parts;
    const answeredMs = clock.nowMs() - lending.lastOfferMs;
    if (reach.state !== 'up' || answeredMs < SILENCE_MS || lending.askIdle()) return;
    this.#goDown(new Error('the database did not answer in time'), 0);
    this.growth.pursue();
  }

  onReadOnly(): void {
    if (this.#readOnly.found(this.#parts.clock.nowMs())) this.renewal.recycle();
  }

  onConnectGivenUp(): void {
    this.#parts.onLess();
    this.growth.pursue();
  }

  onMayConnect(): void {
    this.growth.pursue();
  }

  onLost(session: Session, error: unknown): void {
    const { sessions, reach, lending } = this.#parts;
    this.counts.lost += 1;
    const slot = sessions.slotOf(session);
    if (slot === undefined) return;
    sessions.idle.remove(slot);
    const { state, generation } = reach;
    if (state === 'closed' || !this.#driver.isOutage(error)) return;
    // The loss of a session that was in doubt already is no news, but shows that the server is still at it.
    if (slot.generation !== generation) {
      lending.settleFor(settleMs(error));
      return;
    }
    this.#connector.settle();
    this.#goDown(error, settleMs(error));
    this.growth.pursue();
  }

  onClosed(session: Session): void {
    const slot = this.#parts.sessions.remove(session);
    if (slot === undefined) return;
    this.#parts.ageing.forget(slot);
    this.#parts.onLess();
    this.growth.pursue();
  }

  onCancelSent(): void {
    this.counts.cancels += 1;
  }

  #goDown(error: unknown, settleMs: number, leaving = false): void {
    const { clock, reach, lending } = this.#parts;
    const nowMs = clock.nowMs();
    if (reach.lose(nowMs)) lending.doubtIdle(settleMs);
    reach.tellDown(nowMs, error, leaving);
  }
}
