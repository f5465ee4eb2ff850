import type { Timer } from '../../../src/clock.js';
import { VirtualClock } from '../../support/virtual-clock.js';

/** A virtual clock that knows how many timers are armed. */
export class CountingClock extends VirtualClock {
  readonly #armed = new Set<object>();

  get armed(): number {
    return this.#armed.size;
  }

  override after(delayMs: number, run: () => void): Timer {
    const key = {};
    this.#armed.add(key);
    const timer = super.after(delayMs, () => {
      this.#armed.delete(key);
      run();
    });
    return {
      cancel: () => {
        this.#armed.delete(key);
        timer.cancel();
      },
    };
  }

  /** Lets so much time pass. */
  advance(byMs: number): void {
    this.runUntil(this.nowMs() + byMs);
  }
}
