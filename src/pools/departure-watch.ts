import type { Clock, Timer } from '../clock.js';
import type { Ageing } from './ageing.js';
import type { Connector } from './connector.js';
import type { Growth } from './growth.js';
import type { Reachability } from './reachability.js';
import type { SessionSet } from './session-set.js';
import { timeLimit } from './time-limit.js';

/** Where nobody has knocked for so long, somebody does: up to a quarter sooner, so that instances do not in step. */
const KNOCK_MS = 15_000;
const JITTER = 0.25;

/** What a departure watch works on. */
export interface DepartureParts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly sessions: SessionSet;
  readonly reach: Reachability;
  readonly connector: Connector;
  readonly ageing: Ageing;
  readonly growth: Pick<Growth, 'max' | 'whole'>;
}

/**
 * Finds out that a server wants to end. PostgreSQL in a smart shutdown waits for its sessions and tells them nothing:
 * only who connects hears of it. A pool that needs no new session would keep such a server from ending for as long as its
 * sessions live, so now and then it opens one in place of another.
 */
export class DepartureWatch {
  readonly #parts: DepartureParts;
  #heardMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(parts: DepartureParts) {
    this.#parts = parts;
  }

  /** An attempt to connect was answered. */
  heard(): void {
    const { clock, random } = this.#parts;
    this.#heardMs = clock.nowMs();
    if (this.#timer === undefined) this.#arm(KNOCK_MS * (1 - JITTER * random()));
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #arm(delayMs: number): void {
    const { clock, random } = this.#parts;
    if (this.#stopped) return;
    this.#timer = timeLimit(clock, delayMs, () => {
      this.#timer = undefined;
      const everyMs = KNOCK_MS * (1 - JITTER * random());
      const dueMs = this.#heardMs + everyMs - clock.nowMs();
      if (dueMs <= 0) this.#knock();
      this.#arm(dueMs > 0 ? dueMs : everyMs);
    });
  }

  /** Opens a session, in place of another where there is one to spare or no room. */
  #knock(): void {
    const { sessions, reach, connector, growth, ageing } = this.#parts;
    if (reach.state !== 'up' || connector.connecting > 0 || !growth.whole || ageing.wanted > 0) return;
    const { size, idle, epoch } = sessions;
    if (idle.size > 0 || size >= growth.max) ageing.replaceOne();
    else connector.pursue(1, { epoch, generation: reach.generation });
  }
}
