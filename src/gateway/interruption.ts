/** Why work was cut short, and the signal that tells it. */
export class Interruption {
  #controller: AbortController | undefined;
  #reason: Error | undefined;

  /** `undefined` while the work goes on. */
  get reason(): Error | undefined {
    return this.#reason;
  }

  /** Made when first asked for: an AbortController costs microseconds, and most handlers ask for none. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  /** Cuts the work short. */
  stop(reason: Error): void {
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}
