/** The most that was admitted in any window beyond `rate x window`. */
export class Overshoot {
  readonly #perSecond: number;
  #admitted = 0;
  #least = 0;
  #most = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  get most(): number {
    return this.#most;
  }

  at(nowMs: number, admitted: number): void {
    const refilled = (nowMs * this.#perSecond) / 1_000;
    this.#least = Math.min(this.#least, this.#admitted - refilled);
    this.#admitted += admitted;
    this.#most = Math.max(this.#most, this.#admitted - refilled - this.#least);
  }
}
