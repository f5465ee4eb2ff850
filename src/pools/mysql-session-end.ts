import { errnoOf } from './mysql-errors.js';
import type { Victim } from './mysql-killer.js';
import type { Session } from './session.js';
import { SessionEnd, type SessionEndParts, STUCK_LIMIT_MS } from './session-end.js';
import type { SignsOfLife } from './signs-of-life.js';

/** The end of a session of MySQL or MariaDB. Its server does not look for its clients while it works. */
export class MysqlSessionEnd extends SessionEnd implements Victim {
  readonly #life: SignsOfLife;
  #serverAnswers = false;

  constructor(session: Session, parts: SessionEndParts, life: SignsOfLife) {
    super(session, parts);
    this.#life = life;
  }

  override get serverAnswers(): boolean {
    return this.#serverAnswers;
  }

  onServerAnswers(): void {
    this.#serverAnswers = true;
  }

  onElsewhere(): void {
    this.end();
  }

  protected override tellToStop(): Promise<boolean> {
    return super.tellToStop().then((told) => {
      // Whoever was told stops soon: from here on it is the session that is silent.
      this.#serverAnswers = false;
      return told;
    });
  }

  override lose(error: unknown): void {
    const { stoppable, held } = this.parts.line;
    // The server would go on, and keep the locks, unless it is the one who said that it ends.
    if (this.alive && stoppable && !held && errnoOf(error) === undefined) void this.tellToStop();
    super.lose(error);
  }

  protected override leaveWorking(error: Error, stopped: Promise<boolean>): void {
    this.over(error);
    this.sayGoodbye(STUCK_LIMIT_MS);
    // Whom the server was not told to stop, it will not stop soon.
    void stopped.then((told) => told || this.parts.link.hangUp());
  }

  protected override over(error: Error): void {
    this.#life.stop();
    super.over(error);
  }
}
