import type { Clock, Timer } from '../clock.js';
import { Backoff } from './backoff.js';
import { ConnectTimeoutError } from './connect-timeout.js';
import { ProbePatience } from './probe-patience.js';
import type { ConnectTrouble, Opening, OpeningStage, Session, SessionDriver, SessionOwner } from './session.js';
import type { Birth } from './session-set.js';
import { timeLimit } from './time-limit.js';

/** Attempts under way at once while they succeed. */
const MAX_PARALLEL = 4;

/** The longest wait between two attempts, in milliseconds, by what the last one met. */
const LONGEST_WAIT_MS: Readonly<Record<ConnectTrouble, number>> = {
  // A server that returns is found within half a second.
  unreachable: 250,
  silent: 250,
  unresolved: 250,
  not_accepting: 250,
  // Only a person can help, and many servers lock accounts or count failures.
  credentials: 1_000,
  tls: 1_000,
  tls_required: 1_000,
  unsupported: 1_000,
  password_source: 1_000,
  rights: 1_000,
  quota_spent: 1_000,
  unknown_database: 1_000,
  disabled_database: 1_000,
  crowded: 1_000,
};

/** What a pool learns from its connector. */
export interface ConnectorOwner extends Omit<SessionOwner, 'onOpen' | 'onOpenFailed'> {
  /** @param birth - The one given when the attempt began. */
  onOpened(session: Session, birth: Birth, tookMs: number): void;
  /** Whether this trouble only says that there can be no more sessions than there are; if so, the owner sees to it. */
  onlyBoundsGrowth(trouble: ConnectTrouble): boolean;
  /** @param sinceMs - When the attempt began. */
  onConnectFailed(error: unknown, trouble: ConnectTrouble, sinceMs: number): void;
  /** An attempt ended that {@link Connector.renew} had given up. */
  onConnectGivenUp(): void;
  /** The wait after a failure is over: ask again for what is needed now. */
  onMayConnect(): void;
}

/**
 * Opens sessions in the background: a few at a time while that works, one at a time with growing waits between them
 * after a failure. Nobody waits for a particular attempt.
 */
export class Connector {
  readonly #driver: SessionDriver;
  readonly #owner: ConnectorOwner;
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  readonly #openings = new Set<Opening>();
  readonly #patience = new ProbePatience();
  #timer: Timer | undefined;
  #connectMs = 0;
  #round = 0;
  #stopped = false;

  constructor(driver: SessionDriver, owner: ConnectorOwner, clock: Clock, random: () => number) {
    this.#driver = driver;
    this.#owner = owner;
    this.#clock = clock;
    this.#backoff = new Backoff(random);
  }

  /** Attempts under way. */
  get connecting(): number {
    return this.#openings.size;
  }

  /** What the eldest attempt under way waits for; `undefined` where none is, or nobody can tell. */
  get stage(): OpeningStage | undefined {
    const [eldest] = this.#openings;
    return eldest?.stage;
  }

  /** What a connect takes, of late; 0 before the first. */
  get connectMs(): number {
    return this.#connectMs;
  }

  /** Whether the last attempt failed. */
  get failing(): boolean {
    return this.#backoff.failing;
  }

  /**
   * Sees to it that up to `wanted` attempts are under way, now or when the wait after a failure is over.
   *
   * @param probe - The server is away: an attempt that hears nothing gives way to the next.
   */
  pursue(wanted: number, birth: Birth, probe = false): void {
    const target = Math.min(wanted, this.#backoff.failing ? 1 : MAX_PARALLEL);
    while (!this.#stopped && this.#openings.size < target) {
      const waitMs = this.#backoff.notBeforeMs - this.#clock.nowMs();
      if (waitMs > 0) {
        this.#timer ??= timeLimit(this.#clock, waitMs, () => {
          this.#timer = undefined;
          this.#owner.onMayConnect();
        });
        return;
      }
      this.#open(birth, probe);
    }
  }

  /** Sessions were lost: the next attempt leaves the server a moment. */
  settle(): void {
    this.#backoff.settle(this.#clock.nowMs());
  }

  /** A session answered: unless attempts are failing the next may start at once. */
  relax(): void {
    this.#backoff.relax();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** What attempts have met does not count any more: gives up those under way, and the next may start at once. */
  renew(): void {
    this.#round += 1;
    this.#backoff.succeed();
    this.relax();
    for (const opening of this.#openings) opening.abort();
  }

  /** Gives up every attempt and makes no more. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    for (const opening of this.#openings) opening.abort();
  }

  #open(birth: Birth, probe: boolean): void {
    const owner = this.#owner;
    const startedAtMs = this.#clock.nowMs();
    const round = this.#round;
    let hung: ConnectTimeoutError | undefined;
    let limit: Timer | undefined;
    const opening = this.#driver.open({
      onOpen: (session) => {
        limit?.cancel();
        this.#openings.delete(opening);
        this.#backoff.succeed();
        this.#patience.answered();
        const tookMs = this.#clock.nowMs() - startedAtMs;
        this.#connectMs = this.#connectMs === 0 ? tookMs : (this.#connectMs + tookMs) / 2;
        owner.onOpened(session, birth, tookMs);
      },
      onOpenFailed: (error) => {
        limit?.cancel();
        this.#openings.delete(opening);
        if (round === this.#round) this.#failed(hung ?? error, startedAtMs);
        else owner.onConnectGivenUp();
      },
      onLost: (session, error) => owner.onLost(session, error),
      onClosed: (session) => owner.onClosed(session),
      onSilent: (session) => owner.onSilent(session),
      onReadOnly: () => owner.onReadOnly(),
      onCancelSent: () => owner.onCancelSent(),
    });
    this.#openings.add(opening);
    if (probe) {
      limit = this.#lookAfter(opening, (error) => {
        hung = error;
      });
    }
  }

  /** Gives a probe up that hangs for too long. */
  #lookAfter(opening: Opening, onHung: (error: ConnectTimeoutError) => void): Timer | undefined {
    const delayMs = this.#patience.lookAfterMs(this.#connectMs);
    if (delayMs === undefined) return undefined;
    return timeLimit(this.#clock, delayMs, () => {
      // Then it is no server that hangs.
      if (opening.stage === 'password') return;
      if (!this.#patience.givesUp(opening.reached !== false)) return;
      onHung(new ConnectTimeoutError(delayMs, 'a probe of a server that is away'));
      opening.abort();
    });
  }

  #failed(error: unknown, startedAtMs: number): void {
    const trouble = this.#driver.connectTrouble(error);
    if (trouble === 'silent') this.#patience.hung();
    else this.#patience.answered();
    if (!this.#owner.onlyBoundsGrowth(trouble)) this.#backoff.fail(this.#clock.nowMs(), LONGEST_WAIT_MS[trouble]);
    this.#owner.onConnectFailed(error, trouble, startedAtMs);
  }
}
