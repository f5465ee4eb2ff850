import type { Clock, Timer } from '../clock.js';
import { ConnectTimeoutError } from './connect-timeout.js';
import type { EngineSession } from './engine-session.js';
import type { PasswordSource } from './login.js';
import { type PasswordAsker, passwordAsker } from './password.js';
import type { OpeningStage, SessionOwner } from './session.js';
import { timeLimit } from './time-limit.js';

/** What one attempt to open a session works with. */
export interface ConnectAttemptParts {
  /** For messages. */
  readonly pool: string;
  readonly clock: Clock;
  /** Bound of the whole attempt, password and handshake included. */
  readonly timeoutMs: number;
  /** The function that gives the password, if one does. */
  readonly password: PasswordSource | undefined;
  readonly owner: SessionOwner;
  /** The attempt has failed and its socket is closed. */
  readonly onFailed: (error: unknown) => void;
  /** Closes the socket; {@link ConnectAttempt.onClosed} follows. */
  readonly hangUp: () => void;
}

/**
 * One attempt to open a session: it ends in a session, which hears of its connection from then on, or in a failure, which
 * is told once the socket is closed.
 */
export class ConnectAttempt<Opened extends EngineSession> {
  /** Asks for the password; `undefined` where no function gives one. */
  readonly asker: PasswordAsker | undefined;
  readonly #parts: ConnectAttemptParts;
  readonly #limit: Timer;
  #session: Opened | undefined;
  #failure: unknown;
  #over = false;

  constructor(parts: ConnectAttemptParts) {
    const { pool, clock, timeoutMs, password } = parts;
    this.#parts = parts;
    const asker = password && passwordAsker(pool, password);
    this.asker = asker;
    this.#limit = timeLimit(clock, timeoutMs, () => {
      this.giveUp(asker?.asking === true ? asker.late(timeoutMs) : new ConnectTimeoutError(timeoutMs));
    });
  }

  /** `undefined` before the session is open. */
  get session(): Opened | undefined {
    return this.#session;
  }

  /** It was given up; what comes yet is of no use. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** @param connecting - Nobody has taken the connection yet. */
  stage(connecting: boolean): OpeningStage {
    if (this.asker?.asking === true) return 'password';
    return connecting ? 'network' : 'server';
  }

  open(session: Opened): void {
    this.#limit.cancel();
    this.#session = session;
    this.#parts.owner.onOpen(session);
  }

  /** Ends it, unless there is a session. What was said first counts. */
  giveUp(error: unknown): void {
    if (this.#session !== undefined) return;
    this.#limit.cancel();
    this.#failure ??= error;
    this.#parts.hangUp();
  }

  abort(): void {
    this.giveUp(new Error('the attempt to connect was given up'));
  }

  /** The connection reports an error; it may do so more than once. */
  onError(error: unknown): void {
    if (this.#session === undefined) this.giveUp(error);
    else this.#session.ending.lose(error);
  }

  /** The socket is closed; `cause` says so where nobody has asked for that. */
  onClosed(cause: Error): void {
    this.#limit.cancel();
    if (this.#session !== undefined) {
      this.#session.ending.onClosed(cause);
    } else if (!this.#over) {
      this.#over = true;
      this.#parts.onFailed(this.#failure ?? cause);
    }
  }
}
