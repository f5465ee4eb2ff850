import type { Clock, Timer } from '../../src/clock.js';

interface Event {
  readonly atMs: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** Events by instant, and in the order of their making where instants are the same. */
class Agenda {
  /** Latest first, so that taking the next one is cheap. */
  readonly #events: Event[] = [];

  get nextMs(): number {
    return this.#events.at(-1)?.atMs ?? Number.POSITIVE_INFINITY;
  }

  add(event: Event): void {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#events[middle]?.atMs ?? 0) > event.atMs) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, event);
  }

  /** What falls due by an instant, earliest first. What is added meanwhile is left for the next call. */
  takeDue(nowMs: number): Event[] {
    const due: Event[] = [];
    while (this.nextMs <= nowMs) {
      const event = this.#events.pop();
      if (event !== undefined) due.push(event);
    }
    return due;
  }
}

/**
 * Time that passes only when told to, in the order of Node's event loop: timers that are due, then input that has
 * arrived, then what waits for the input to be handled. Work can cost time ({@link spend}), so that it can be late.
 */
export class VirtualClock implements Clock {
  readonly #timers = new Agenda();
  readonly #inputs = new Agenda();
  #afterInput: (() => void)[] = [];
  #nowMs: number;
  #lookedForInputMs: number;
  #longestTurnMs = 0;

  constructor(startMs = 0) {
    this.#nowMs = startMs;
    this.#lookedForInputMs = startMs;
  }

  /** The longest time in which nobody looked for input, since the start or {@link forgetTurns}. */
  get longestTurnMs(): number {
    return this.#longestTurnMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const event = { atMs: this.#nowMs + Math.max(0, delayMs), run, cancelled: false };
    this.#timers.add(event);
    return {
      cancel: () => {
        event.cancelled = true;
      },
    };
  }

  afterInput(run: () => void): void {
    this.#afterInput.push(run);
  }

  /** Input, such as a request or the answer of a database, arrives this much later. */
  input(delayMs: number, run: () => void): void {
    this.#inputs.add({ atMs: this.#nowMs + Math.max(0, delayMs), run, cancelled: false });
  }

  /** What runs at this moment takes so long. */
  spend(ms: number): void {
    this.#nowMs += ms;
  }

  forgetTurns(): void {
    this.#longestTurnMs = 0;
  }

  /** Runs everything up to an instant. */
  runUntil(untilMs: number): void {
    for (;;) {
      this.#turn();
      const nextMs = Math.min(this.#timers.nextMs, this.#inputs.nextMs);
      const waiting = this.#afterInput.length > 0;
      if (!waiting && nextMs > untilMs) break;
      if (!waiting) this.#rest(nextMs);
    }
    this.#rest(untilMs);
  }

  #turn(): void {
    this.#run(this.#timers);
    this.#longestTurnMs = Math.max(this.#longestTurnMs, this.#nowMs - this.#lookedForInputMs);
    this.#lookedForInputMs = this.#nowMs;
    this.#run(this.#inputs);
    const callbacks = this.#afterInput;
    this.#afterInput = [];
    for (const run of callbacks) run();
  }

  #run(agenda: Agenda): void {
    for (const event of agenda.takeDue(this.#nowMs)) if (!event.cancelled) event.run();
  }

  /** The loop sleeps until there is something to do; input would wake it. */
  #rest(untilMs: number): void {
    if (untilMs <= this.#nowMs) return;
    this.#nowMs = untilMs;
    this.#lookedForInputMs = untilMs;
  }
}
