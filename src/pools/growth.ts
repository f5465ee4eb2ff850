import type { Clock, Timer } from '../clock.js';
import type { Ageing } from './ageing.js';
import type { Connector } from './connector.js';
import type { PoolListener } from './contract.js';
import { Grant } from './grant.js';
import type { Lending } from './lending.js';
import { Patience } from './patience.js';
import type { Reachability } from './reachability.js';
import type { Birth, SessionSet } from './session-set.js';
import { StartSpread } from './start-spread.js';
import { timeLimit } from './time-limit.js';

/** What the growth of a pool works on. */
export interface GrowthParts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly sessions: SessionSet;
  readonly reach: Reachability;
  readonly lending: Lending;
  readonly ageing: Ageing;
  readonly connector: Connector;
  readonly listener: Pick<PoolListener, 'onGranted'>;
}

/**
 * How many sessions a pool opens, and when: one prober while its server is away, else what waiting borrowers need at
 * once and the floor needs in its own time, within what the server was found to give.
 */
export class Growth {
  readonly #parts: GrowthParts;
  readonly #grant: Grant;
  readonly #patience = new Patience();
  readonly #spread: StartSpread;
  #max: number;
  #nextLook: { readonly atMs: number; readonly timer: Timer } | undefined;

  /** @param max - What the pool may have at first. */
  constructor(max: number, parts: GrowthParts) {
    this.#max = max;
    this.#parts = parts;
    this.#grant = new Grant(max, parts.random);
    this.#spread = new StartSpread(parts.clock.nowMs(), parts.random);
  }

  get max(): number {
    return this.#max;
  }

  /** Of {@link max}, how many the server was found to give. */
  get granted(): number {
    return this.#grant.granted;
  }

  /** Whether the server gives all that the pool may have. */
  get whole(): boolean {
    return this.#grant.granted === this.#max;
  }

  /** Whether the last attempts to connect succeeded. */
  get canConnect(): boolean {
    return this.whole && !this.#parts.connector.failing;
  }

  /** The pool may have so many from now on. */
  resize(max: number): void {
    this.#max = max;
    this.#noteGrant(() => this.#grant.resize(max));
  }

  /** A borrower has joined the line. */
  waits(nowMs: number): void {
    const { lending, connector } = this.#parts;
    this.#patience.waits(nowMs, lending.waiting, connector.connectMs);
    this.pursue();
  }

  /** A session was lent. Where the owner lets nobody wait for more than is granted, only this tells that more is wanted. */
  lent(): void {
    if (!this.whole && this.#lentOut) this.pursue();
  }

  /** A session has been opened, and is in the set. */
  opened(): void {
    this.#spread.opened();
    this.#noteGrant(() => this.#grant.opened(this.#parts.sessions.size));
  }

  /** The server gives no more than there are. */
  refused(): void {
    this.#noteGrant((nowMs) => this.#grant.refused(nowMs, this.#parts.sessions.size));
  }

  /** Opens what is missing. */
  pursue(): void {
    const { clock, sessions, reach, connector } = this.#parts;
    const { state, generation } = reach;
    if (state === 'closed') return;
    const nowMs = clock.nowMs();
    if (nowMs < this.#spread.firstAtMs) {
      this.#lookAgain(nowMs, this.#spread.firstAtMs);
      return;
    }
    const birth: Birth = { epoch: sessions.epoch, generation };
    if (state === 'down') connector.pursue(Math.min(1, this.#max - sessions.size), birth, true);
    else this.#grow(nowMs, birth);
  }

  /** Opens nothing any more by itself. */
  stop(): void {
    this.#nextLook?.timer.cancel();
  }

  #grow(nowMs: number, birth: Birth): void {
    const { sessions, lending, connector, ageing } = this.#parts;
    const { size, missing } = sessions;
    const { waiting } = lending;
    const helpless = this.#patience.helpless(nowMs, waiting, sessions);
    const short = !this.whole && this.#lentOut ? 1 : 0;
    const floor = this.#spread.floor(nowMs, missing, connector.connecting);
    const { wanted } = ageing;
    const needed = Math.max(helpless, floor, short, wanted);
    const room = this.#grant.room(nowMs, size);
    connector.pursue(Math.min(room, needed), birth);
    if (wanted > 0 && room === 0 && size <= this.#max) ageing.makeRoom(this.canConnect);
    if (helpless < waiting) this.#lookAgain(nowMs, this.#patience.endsAtMs(nowMs));
    if (floor < missing) this.#lookAgain(nowMs, this.#spread.nextAtMs);
    if (needed > room && size + room < this.#max) this.#lookAgain(nowMs, this.#grant.growAtMs);
  }

  get #lentOut(): boolean {
    const { inUse, size } = this.#parts.sessions;
    return inUse > 0 && inUse === size;
  }

  #noteGrant(change: (nowMs: number) => void): void {
    const { clock, listener } = this.#parts;
    const nowMs = clock.nowMs();
    const before = this.#grant.granted;
    change(nowMs);
    const { granted } = this.#grant;
    if (granted !== before) listener.onGranted(nowMs, granted);
  }

  /** Asks again for what is missing, at this instant at the latest. */
  #lookAgain(nowMs: number, atMs: number): void {
    if (atMs <= nowMs || (this.#nextLook !== undefined && this.#nextLook.atMs <= atMs)) return;
    this.#nextLook?.timer.cancel();
    const timer = timeLimit(this.#parts.clock, atMs - nowMs, () => {
      this.#nextLook = undefined;
      this.pursue();
    });
    this.#nextLook = { atMs, timer };
  }
}
