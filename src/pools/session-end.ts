import type { Clock, Timer } from '../clock.js';
import { ConnectionEndedError, unanswered } from './connection-ended.js';
import { ResultTooLargeError } from './contract.js';
import type { MessageWire } from './message-wire.js';
import type { Session, SessionOwner } from './session.js';
import type { StatementLine } from './statement-line.js';
import { timeLimit } from './time-limit.js';

/** For the server to hang up after a goodbye. */
const GOODBYE_LIMIT_MS = 500;
/** The same for a server that was told to stop the session's statement, and has not. */
export const STUCK_LIMIT_MS = 10_000;
/** The same where nobody needs the place. */
const HURRIED_LIMIT_MS = 1_500;

/** What the end of a session needs. */
export interface SessionEndParts {
  readonly wire: MessageWire;
  readonly line: StatementLine;
  readonly clock: Clock;
  readonly owner: SessionOwner;
  /** What the answer to one statement may have; `undefined` for no bound. */
  readonly resultBound: { readonly pool: string; readonly maxBytes: number } | undefined;
  readonly link: SessionLink;
}

/** The connection of a session, apart from its statements. */
export interface SessionLink {
  /** Says goodbye; the server hangs up then. */
  end(): void;
  hangUp(): void;
  /** Tells the server to stop what the session runs. Resolves to whether it has taken that; never rejects. */
  tellToStop(): Promise<boolean>;
  /** What was to be stopped has ended by itself: takes back what the server was not told yet. Absent where that is at once. */
  withdraw?(): void;
}

/**
 * The end of one session, whoever wants it: its statements are answered at once, its owner is told once, and its place
 * is free when nothing of it is left on the server either.
 */
export class SessionEnd {
  protected readonly parts: SessionEndParts;
  readonly #session: Session;
  #closed = false;
  #lastCancel: Promise<boolean> | undefined;
  #cancelTaken = false;
  #goodbye: Timer | undefined;
  /** What the end of a long wait does. */
  #onMissed: (() => void) | undefined;
  #hurried = false;

  constructor(session: Session, parts: SessionEndParts) {
    this.#session = session;
    this.parts = parts;
  }

  get alive(): boolean {
    return this.parts.line.ended === undefined;
  }

  /** Tells the server to stop what the session runs. */
  cancel(): Promise<boolean> {
    this.parts.owner.onCancelSent();
    return this.tellToStop();
  }

  /** The server answers, and only takes its time to stop a statement: no reason to give up. Not with every engine. */
  get serverAnswers(): boolean {
    return false;
  }

  /** The statement that was to be stopped is over. */
  onVictimOver(): void {
    this.parts.link.withdraw?.();
  }

  /** What was to be stopped has settled. */
  onStopped(): void {
    if (this.alive) this.#cancelTaken = false;
  }

  retire(): void {
    this.leave(new ConnectionEndedError('the connection was closed'));
  }

  /** Stops what runs, on the server too. A second call no longer waits for the server to hang up. */
  destroy(): void {
    if (this.alive) this.end();
    else this.parts.link.hangUp();
  }

  /** Its place is for nobody any more: from now on a server that goes on regardless is not waited for. */
  hurry(): void {
    this.#hurried = true;
    if (this.#closed || this.#onMissed === undefined) return;
    this.#goodbye?.cancel();
    this.awaitHangUp(HURRIED_LIMIT_MS, this.#onMissed);
  }

  /** The same as {@link destroy}, but a second call does nothing. */
  end(): void {
    if (!this.alive) return;
    const error = new ConnectionEndedError('the connection was destroyed');
    const { stoppable, held } = this.parts.line;
    if (!stoppable) this.leave(error);
    // A closed socket alone stops nothing: the server would run the statement to its end and keep its locks.
    else this.leaveWorking(error, (held ? this.#lastCancel : undefined) ?? this.cancel());
  }

  /** Whoever does not answer a cancel may be cut off from us altogether: nobody would tell. */
  giveUp(): void {
    if (!this.alive) return;
    this.end();
    this.parts.owner.onSilent(this.#session);
  }

  /** So many bytes have come from the server, and the driver has not read them yet. */
  onReceived(bytes: number): void {
    const { resultBound, wire, link } = this.parts;
    if (resultBound === undefined || wire.receive(bytes) <= resultBound.maxBytes || !this.alive) return;
    // What the server has sent already would go on filling the memory for as long as somebody reads it.
    void this.cancel();
    this.over(new ResultTooLargeError(resultBound.pool, resultBound.maxBytes));
    link.hangUp();
  }

  /** The session ended although nobody asked. It may be told more than once. */
  lose(error: unknown): void {
    if (!this.alive) return;
    const { wire, link, owner } = this.parts;
    const cause = wire.lastError ?? error;
    this.over(cause instanceof Error ? cause : unanswered());
    link.hangUp();
    owner.onLost(this.#session, cause);
  }

  /** The socket is closed. `cause` says so where nobody has asked for that. */
  onClosed(cause: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#goodbye?.cancel();
    this.lose(cause);
    const { owner } = this.parts;
    if (this.#lastCancel === undefined) owner.onClosed(this.#session);
    else void this.#lastCancel.then(() => owner.onClosed(this.#session));
  }

  /** Ends our side of a session whose statement is to be stopped. `stopped` resolves when the server was told. */
  protected leaveWorking(error: Error, _stopped: Promise<boolean>): void {
    this.leave(error);
  }

  /** Ends our side. The server hangs up once nothing of the session is left there; only then is its place free. */
  protected leave(error: Error): void {
    if (!this.alive) return;
    this.over(error);
    this.sayGoodbye();
  }

  protected sayGoodbye(limitMs: number = GOODBYE_LIMIT_MS): void {
    if (this.#closed) return;
    this.awaitHangUp(limitMs, () => this.onGoodbyeMissed());
    this.parts.link.end();
  }

  protected awaitHangUp(limitMs: number, onMissed: () => void): void {
    const long = limitMs > HURRIED_LIMIT_MS;
    if (long) this.#onMissed = onMissed;
    this.#goodbye = timeLimit(this.parts.clock, long && this.#hurried ? HURRIED_LIMIT_MS : limitMs, onMissed);
  }

  /** The server did not hang up in time. */
  protected onGoodbyeMissed(): void {
    this.parts.link.hangUp();
  }

  /** What runs, is queued or comes later is answered with `error`. */
  protected over(error: Error): void {
    this.parts.line.end(error);
  }

  /** The server has taken a cancel that has had no effect yet. */
  protected get cancelTaken(): boolean {
    return this.#cancelTaken;
  }

  protected tellToStop(): Promise<boolean> {
    this.#lastCancel = this.parts.link.tellToStop().then((taken) => {
      this.#cancelTaken = taken;
      return taken;
    });
    return this.#lastCancel;
  }
}
