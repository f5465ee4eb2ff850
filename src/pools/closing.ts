import type { Clock } from '../clock.js';
import { PoolClosedError } from './contract.js';
import type { Lending } from './lending.js';
import type { Reachability } from './reachability.js';
import type { SessionSet } from './session-set.js';
import type { Sweeper } from './sweeper.js';
import { timeLimit } from './time-limit.js';
import type { Upkeep } from './upkeep.js';

/** For sessions that closing has destroyed to be gone from the server, too. */
const CLOSE_GRACE_MS = 1_500;

/** What the end of a pool works on. */
export interface ClosingParts {
  /** For messages. */
  readonly pool: string;
  readonly clock: Clock;
  readonly sessions: SessionSet;
  readonly reach: Reachability;
  readonly lending: Lending;
  readonly sweeper: Sweeper;
  readonly upkeep: Upkeep;
}

/** The end of a pool: nobody new, then those that are left, then nothing. */
export class Closing {
  readonly #parts: ClosingParts;
  #closed: Promise<void> | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(parts: ClosingParts) {
    this.#parts = parts;
  }

  /** See {@link ConnectionPool.close}. */
  close(deadlineAtMs: number): Promise<void> {
    this.#closed ??= this.#close(deadlineAtMs);
    return this.#closed;
  }

  /** There is one session, or one attempt to open one, less. */
  onLess(): void {
    const { sessions, upkeep } = this.#parts;
    if (sessions.size === 0 && upkeep.connecting === 0) this.#onEmpty?.();
  }

  async #close(deadlineAtMs: number): Promise<void> {
    const { pool, clock, sessions, reach, lending, sweeper, upkeep } = this.#parts;
    reach.close();
    lending.refuseAll(() => new PoolClosedError(pool));
    upkeep.stop();
    sweeper.stop();
    sessions.retireFree();
    let limit = timeLimit(clock, deadlineAtMs - clock.nowMs(), () => {
      sessions.destroyAll();
      limit = timeLimit(clock, CLOSE_GRACE_MS, () => sessions.destroyAll());
    });
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
      this.onLess();
    });
    limit.cancel();
  }
}
