import type { PoolListener, PoolState } from './contract.js';

/**
 * Whether the server of a pool can be reached, and since when not. Tells the listener once about each outage.
 *
 * Doubt is by generation: a loss or a failed connect starts a new one, and a session of an older generation is not
 * trusted before it has been proved good.
 */
export class Reachability {
  readonly #listener: PoolListener;
  #state: PoolState = 'down';
  #downSinceMs: number | undefined;
  #generation = 0;
  /** The present outage was told to the listener. */
  #announced = false;

  /** Nothing is known of the server at the start, so it counts as down since `nowMs`. */
  constructor(listener: PoolListener, nowMs: number) {
    this.#listener = listener;
    this.#downSinceMs = nowMs;
  }

  get state(): PoolState {
    return this.#state;
  }

  get downSinceMs(): number | undefined {
    return this.#downSinceMs;
  }

  get generation(): number {
    return this.#generation;
  }

  /** The server is lost. True when it could be reached until now: then every session is in doubt. */
  lose(nowMs: number): boolean {
    if (this.#state !== 'up') return false;
    this.#state = 'down';
    this.#downSinceMs = nowMs;
    this.#generation += 1;
    return true;
  }

  /** The server answers. True when that ends an outage; {@link tellUp} is to follow. */
  regain(): boolean {
    if (this.#state !== 'down') return false;
    this.#state = 'up';
    this.#downSinceMs = undefined;
    this.#announced = false;
    return true;
  }

  close(): void {
    this.#state = 'closed';
    this.#downSinceMs = undefined;
  }

  tellDown(nowMs: number, error: unknown, leaving: boolean): void {
    if (this.#announced) return;
    this.#announced = true;
    this.#listener.onDown(nowMs, error, leaving);
  }

  tellUp(nowMs: number): void {
    this.#listener.onUp(nowMs);
  }
}
