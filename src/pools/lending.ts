import type { Clock } from '../clock.js';
import type { Ageing } from './ageing.js';
import { type AcquireRequest, AcquireTimeoutError, type Connection, OutageGivenUpError } from './contract.js';
import type { Slot } from './idle-sessions.js';
import { type Lender, LentConnection } from './lent-connection.js';
import type { Reachability } from './reachability.js';
import type { SessionSet } from './session-set.js';
import type { Sweeper } from './sweeper.js';
import { timeLimit } from './time-limit.js';
import { Waiters } from './waiters.js';

/** For the answer to an empty round trip. */
const VALIDATION_LIMIT_MS = 500;

const DONE: Promise<void> = Promise.resolve();

/** What lending needs of its pool. */
export interface LendingContext {
  readonly name: string;
  readonly validateAfterIdleMs: number;
  readonly clock: Clock;
  readonly sessions: SessionSet;
  readonly reach: Reachability;
  readonly sweeper: Sweeper;
  readonly ageing: Ageing;
  /** A session was proved good, and that ended an outage. */
  readonly onRegained: () => void;
}

/**
 * The way of a session from borrower to borrower: lent, taken back, cleaned, proved good where it is in doubt, and
 * given to whoever is next.
 */
export class Lending implements Lender<Slot> {
  readonly #context: LendingContext;
  readonly #clock: Clock;
  readonly #sessions: SessionSet;
  readonly #reach: Reachability;
  readonly #waiters: Waiters<Connection>;
  #timeouts = 0;
  #lastOfferMs = Number.NEGATIVE_INFINITY;
  /** From then on whoever the loss of a session was to take along has been taken. */
  #settledAtMs = Number.NEGATIVE_INFINITY;

  constructor(context: LendingContext) {
    this.#context = context;
    this.#clock = context.clock;
    this.#sessions = context.sessions;
    this.#reach = context.reach;
    this.#waiters = new Waiters(context.clock, () => this.late());
  }

  /** Borrowers whose deadline came before a session, since the start. */
  get timeouts(): number {
    return this.#timeouts;
  }

  /** What a borrower gets whose deadline has come; it is counted. */
  late(): AcquireTimeoutError {
    this.#timeouts += 1;
    return new AcquireTimeoutError(this.#context.name);
  }

  /** Borrowers that wait. */
  get waiting(): number {
    return this.#waiters.size;
  }

  /** When a session last was fit to be lent. */
  get lastOfferMs(): number {
    return this.#lastOfferMs;
  }

  /** Lends an idle session that needs no proof, if there is one. */
  tryLend(): Connection | undefined {
    const { idle } = this.#sessions;
    const slot = idle.top;
    if (slot === undefined) return undefined;
    idle.pop();
    // All below have been idle for longer, so looking further is of no use.
    if (this.#clock.nowMs() - slot.idleSinceMs < this.#context.validateAfterIdleMs) return this.#lend(slot);
    void this.prove(slot);
    return undefined;
  }

  /** Waits for a session to be offered. */
  wait(request: AcquireRequest): Promise<Connection> {
    return this.#waiters.wait(request.rank, request.deadlineAtMs, request);
  }

  /** Refuses those of these requests that wait. */
  giveUp(requests: ReadonlySet<AcquireRequest>): void {
    this.#waiters.refuse(requests, () => new OutageGivenUpError(this.#context.name));
  }

  /** Refuses everybody who waits. */
  refuseAll(error: () => Error): void {
    this.#waiters.clear(error);
  }

  /** @internal */
  takeBack(slot: Slot): Promise<void> {
    this.#sessions.unlend(slot);
    const { session } = slot;
    if (!session.alive) return DONE;
    if (!session.clean) return this.#restore(slot);
    if (slot.generation !== this.#reach.generation) return this.prove(slot);
    this.offer(slot);
    return DONE;
  }

  /** Gives a clean session of the present generation to whoever is next. */
  offer(slot: Slot): void {
    const nowMs = this.#clock.nowMs();
    if (this.#reach.state === 'closed' || !this.#sessions.mayLend(slot)) {
      slot.session.retire();
      return;
    }
    if (this.#sessions.endSurplus(slot)) return;
    if (this.#context.ageing.ends(nowMs, slot)) return;
    this.#lastOfferMs = nowMs;
    const regained = this.#reach.regain();
    if (!this.#waiters.serve(nowMs, () => this.#lend(slot))) {
      slot.idleSinceMs = nowMs;
      this.#sessions.idle.push(slot);
      this.#context.sweeper.watch(nowMs, slot);
    }
    if (regained) this.#context.onRegained();
  }

  /**
   * Lends a session in doubt again only after an answer to a question that was asked after the doubt arose. One that comes
   * too early proves nothing: the end that the server has in store for this session may be late.
   */
  async prove(slot: Slot): Promise<void> {
    let asked: number;
    do {
      if (this.#earlyMs > 0) await this.#settled();
      asked = this.#reach.generation;
      if (!(await slot.session.validate(VALIDATION_LIMIT_MS))) return;
    } while (asked !== this.#reach.generation || this.#earlyMs > 0);
    slot.generation = asked;
    this.offer(slot);
  }

  async #settled(): Promise<void> {
    for (let earlyMs = this.#earlyMs; earlyMs > 0; earlyMs = this.#earlyMs) {
      await new Promise<void>((resolve) => timeLimit(this.#clock, earlyMs, resolve));
    }
  }

  get #earlyMs(): number {
    return this.#settledAtMs - this.#clock.nowMs();
  }

  /** Asks whoever is idle whether the server still answers. False when nobody is. */
  askIdle(): boolean {
    const asked = this.#sessions.idle.drain();
    for (const slot of asked) void this.prove(slot);
    return asked.length > 0;
  }

  /** Lends nothing that is idle now before it is proved good, and asks in `settleMs`. */
  doubtIdle(settleMs: number): void {
    this.settleFor(settleMs);
    this.askIdle();
  }

  /** Asks nobody who is in doubt before so many milliseconds are over: who is lost now may not be the last one. */
  settleFor(settleMs: number): void {
    this.#settledAtMs = Math.max(this.#settledAtMs, this.#clock.nowMs() + settleMs);
  }

  #lend(slot: Slot): Connection {
    this.#sessions.lend(slot);
    return new LentConnection(slot, this);
  }

  async #restore(slot: Slot): Promise<void> {
    if (!(await slot.session.restore())) return;
    if (slot.generation === this.#reach.generation) this.offer(slot);
    else await this.prove(slot);
  }
}
