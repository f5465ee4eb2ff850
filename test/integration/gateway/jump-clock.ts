import { type Clock, systemClock, type Timer } from '../../../src/clock.js';

/** The machine's clock, which can be moved on: what falls due meanwhile is late, and fires at once. */
export class JumpClock implements Clock {
  readonly afterInput: Clock['afterInput'] = systemClock.afterInput;
  readonly #armed = new Set<{ readonly dueAtMs: number; rearm(): void }>();
  #aheadMs = 0;

  nowMs(): number {
    return systemClock.nowMs() + this.#aheadMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const dueAtMs = this.nowMs() + delayMs;
    let timer: Timer;
    const arm = (): void => {
      timer = systemClock.after(dueAtMs - this.nowMs(), () => {
        this.#armed.delete(entry);
        run();
      });
    };
    const entry = {
      dueAtMs,
      rearm: () => {
        timer.cancel();
        arm();
      },
    };
    this.#armed.add(entry);
    arm();
    return {
      cancel: () => {
        timer.cancel();
        this.#armed.delete(entry);
      },
    };
  }

  /** Whether something falls due between so many milliseconds from now. */
  expects(fromMs: number, untilMs: number): boolean {
    const nowMs = this.nowMs();
    return [...this.#armed].some(({ dueAtMs }) => dueAtMs - nowMs >= fromMs && dueAtMs - nowMs <= untilMs);
  }

  jump(byMs: number): void {
    this.#aheadMs += byMs;
    for (const entry of [...this.#armed]) entry.rearm();
  }
}
