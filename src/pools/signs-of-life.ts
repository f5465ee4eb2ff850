import type { Clock, Timer } from '../clock.js';
import { unanswered } from './connection-ended.js';
import { timeLimit } from './time-limit.js';

/** For the answer to a sign of life. */
const LIFE_LIMIT_MS = 5_000;
/** Signs of life within the time after which the server would end an idle session. */
const SIGNS = 3;

/** How signs of life are given. */
export interface SignsOfLifeParts {
  readonly clock: Clock;
  /** The server ends whoever is silent for so long. */
  readonly waitTimeoutMs: number;
  readonly wire: { readonly sent: number };
  readonly line: { readonly quiet: boolean };
  /** Sends something that does nothing. Settles once it is answered, or cannot be. */
  readonly give: () => Promise<unknown>;
  /** The answer did not come in time. */
  readonly onSilent: (error: Error) => void;
}

/** Keeps a server from ending a session that is silent for too long, also one that is lent. */
export class SignsOfLife {
  readonly #parts: SignsOfLifeParts;
  #timer: Timer | undefined;

  /** Begins at once. */
  constructor(parts: SignsOfLifeParts) {
    this.#parts = parts;
    this.#watch();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #watch(): void {
    const { clock, waitTimeoutMs, wire, line } = this.#parts;
    const before = wire.sent;
    this.#timer = timeLimit(clock, waitTimeoutMs / SIGNS, () => {
      if (wire.sent === before && line.quiet) void this.#give();
      this.#watch();
    });
  }

  async #give(): Promise<void> {
    const { clock, give, onSilent } = this.#parts;
    const limit = timeLimit(clock, LIFE_LIMIT_MS, () => onSilent(unanswered()));
    await give().catch(() => undefined);
    limit.cancel();
  }
}
