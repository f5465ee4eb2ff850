import { Backoff } from './backoff.js';
import type { PoolListener } from './contract.js';

const LONGEST_WAIT_MS = 5_000;
/** A finding after so long a calm is a new one. */
const CALM_MS = 60_000;

/**
 * When a server that takes no writes is to be left for whatever the address leads to now: at the first finding, then
 * ever more rarely, because where everything is read-only new connections are of no use.
 */
export class ReadOnlyWatch {
  readonly #backoff: Backoff;
  readonly #listener: PoolListener;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** @param random - Uniform in [0, 1). */
  constructor(random: () => number, listener: PoolListener) {
    this.#backoff = new Backoff(random);
    this.#listener = listener;
  }

  /** A session was found read-only. True when all sessions are to be replaced because of it. */
  found(nowMs: number): boolean {
    const isNew = nowMs - this.#lastMs > CALM_MS;
    this.#lastMs = nowMs;
    if (isNew) {
      this.#backoff.succeed();
      this.#listener.onWarning(
        'database_read_only',
        'the server takes no writes; its connections are replaced until one leads to a server that does',
      );
    }
    if (nowMs < this.#backoff.notBeforeMs) return false;
    this.#backoff.fail(nowMs, LONGEST_WAIT_MS);
    return true;
  }
}
