/**
 * Ctrl-C reaches the whole foreground group, and npm passes its own copy on, so one key press can arrive twice; only
 * what comes later than this is somebody who has lost patience.
 */
const ECHO_MS = 400;

/** The wish to end, from SIGTERM or SIGINT: the first asks for a drain, a later one ends the process at once. */
export class Shutdown {
  readonly #controller = new AbortController();
  readonly #impatient: () => void;
  #askedAtMs = Number.POSITIVE_INFINITY;

  /** @param impatient - Called when the wish is repeated. */
  constructor(impatient: () => void) {
    this.#impatient = impatient;
  }

  /** Aborted by the first wish. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Resolves with the first wish. */
  get asked(): Promise<void> {
    return new Promise((resolve) => {
      if (this.signal.aborted) resolve();
      else this.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  listen(): void {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => this.ask(performance.now()));
  }

  ask(nowMs: number): void {
    if (!this.signal.aborted) {
      this.#askedAtMs = nowMs;
      this.#controller.abort();
    } else if (nowMs - this.#askedAtMs > ECHO_MS) {
      this.#impatient();
    }
  }
}
