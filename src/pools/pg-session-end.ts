import type { Session } from './session.js';
import { SessionEnd, type SessionEndParts, STUCK_LIMIT_MS } from './session-end.js';

/** How PostgreSQL sessions end in particular. */
export interface PgSessionEndManner {
  /** A pooler hands the session on between transactions. */
  readonly shared: boolean;
  /** The server goes on with a statement although it was told to stop. */
  readonly onStuck: () => void;
}

/** The end of a PostgreSQL session. Its server hears a cancel on another socket, and a goodbye only between statements. */
export class PgSessionEnd extends SessionEnd {
  readonly #manner: PgSessionEndManner;

  constructor(session: Session, parts: SessionEndParts, manner: PgSessionEndManner) {
    super(session, parts);
    this.#manner = manner;
  }

  protected override leaveWorking(error: Error, stopped: Promise<boolean>): void {
    if (!this.#manner.shared) {
      this.leave(error);
      return;
    }
    // A pooler forgets at a goodbye which statement the cancel is meant for.
    this.over(error);
    void stopped.then(() => this.sayGoodbye());
  }

  /**
   * Where the server has taken a cancel it works and can be reached, so this session is stuck and still there, with its
   * locks: its place is not given to another one yet.
   */
  protected override onGoodbyeMissed(): void {
    const { link } = this.parts;
    if (!this.cancelTaken) {
      link.hangUp();
      return;
    }
    this.#manner.onStuck();
    this.awaitHangUp(STUCK_LIMIT_MS, () => link.hangUp());
  }
}
