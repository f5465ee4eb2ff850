import type { Gate, GateTicket } from '../admission/gate.js';
import type { Clock } from '../clock.js';
import type { Shadow } from './shadow.js';

/** A request that gives its seat up for a time, and how it hears of the next one. */
export class SeatBreak {
  readonly #gate: Gate;
  readonly #ticket: GateTicket;
  readonly #clock: Clock;
  #back: (() => void) | undefined;

  constructor(gate: Gate, ticket: GateTicket, clock: Clock) {
    this.#gate = gate;
    this.#ticket = ticket;
    this.#clock = clock;
  }

  /** Runs `work` without a seat, and comes back when there is one again, or when {@link end} says that none will be. */
  async around<T>(work: () => Promise<T>): Promise<T> {
    this.begin();
    try {
      return await work();
    } finally {
      await this.comeBack();
    }
  }

  /** Gives the seat up. */
  begin(): void {
    this.#gate.stepOut(this.#clock.nowMs(), this.#ticket);
  }

  /** Resolves when there is a seat again, or when {@link end} says that none will be. */
  async comeBack(): Promise<void> {
    // The request may have ended meanwhile: its client left, or its deadline ran out.
    if (this.#ticket.state === 'away') await this.#comeBack();
  }

  /** The wait is over. */
  end(): void {
    this.#back?.();
    this.#back = undefined;
  }

  #comeBack(): Promise<void> {
    return new Promise((resolve) => {
      this.#back = resolve;
      if (this.#gate.bulkhead.comeBack(this.#clock.nowMs(), this.#ticket) === 'leased') this.end();
    });
  }
}

/** The same where no seat is held: only the shadow counts the time as one without. */
export async function aroundShadow<T>(clock: Clock, shadow: Shadow | undefined, work: () => Promise<T>): Promise<T> {
  shadow?.pause(clock.nowMs());
  try {
    return await work();
  } finally {
    shadow?.resume(clock.nowMs());
  }
}
