import type { SeatBreak } from './seat-break.js';

/** A request whose client is still reading, and which holds no seat meanwhile, until it wants the database again. */
export class SeatRest {
  readonly #break: SeatBreak;
  #over: Promise<void> | undefined;

  constructor(seatBreak: SeatBreak) {
    this.#break = seatBreak;
    seatBreak.begin();
  }

  /** Asks for a seat, at the head of the class. Resolves when there is one, or never will be. */
  wake(): Promise<void> {
    this.#over ??= this.#break.comeBack();
    return this.#over;
  }

  /** The wait is over. */
  end(): void {
    this.#break.end();
  }
}
