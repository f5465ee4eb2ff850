/** Time that is spent on several things, which may run side by side: those that are over and those under way, added up. */
export class SpentTime {
  #overMs = 0;
  #running = 0;
  /** The sum of the instants at which those under way began. */
  #beganMs = 0;

  begin(nowMs: number): void {
    this.#running += 1;
    this.#beganMs += nowMs;
  }

  /** One that began then is over. */
  end(beganMs: number, nowMs: number): void {
    this.#overMs += nowMs - beganMs;
    this.#running -= 1;
    // From 0 again, so that rounding does not add up.
    this.#beganMs = this.#running === 0 ? 0 : this.#beganMs - beganMs;
  }

  /** All of it up to this instant, in milliseconds. */
  untilMs(nowMs: number): number {
    return this.#overMs + this.#running * nowMs - this.#beganMs;
  }
}
