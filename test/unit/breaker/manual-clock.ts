import type { Clock, Timer } from '../../../src/clock.js';

interface Armed {
  readonly atMs: number;
  readonly run: () => void;
}

/** A clock that stands still until it is told to advance; timers run at their own instants, in order. */
export class ManualClock implements Clock {
  #nowMs = 1_000;
  readonly #armed = new Set<Armed>();

  get armed(): number {
    return this.#armed.size;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const entry: Armed = { atMs: this.#nowMs + Math.max(0, delayMs), run };
    this.#armed.add(entry);
    return { cancel: () => this.#armed.delete(entry) };
  }

  afterInput(run: () => void): void {
    this.after(0, run);
  }

  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      const due = [...this.#armed].filter((entry) => entry.atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#armed.delete(due);
      this.#nowMs = due.atMs;
      due.run();
    }
    this.#nowMs = untilMs;
  }
}
