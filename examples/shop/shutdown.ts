import { constants } from 'node:os';

/**
 * Ctrl-C reaches the whole foreground group, and npm passes its own copy on, so one key press can arrive twice; only
 * what comes later than this is somebody who has lost patience.
 */
const ECHO_MS = 400;

type Signal = 'SIGTERM' | 'SIGINT';

/** The wish to end, from SIGTERM or SIGINT: the first asks for a drain, a later one for an end at once, but a clean one. */
export class Shutdown {
  readonly #asked = new AbortController();
  readonly #hurried = new AbortController();
  #askedAtMs = Number.POSITIVE_INFINITY;
  #exitCode = 0;

  /** Aborted by the first wish. */
  get signal(): AbortSignal {
    return this.#asked.signal;
  }

  /** Aborted when the wish is repeated. */
  get hurried(): AbortSignal {
    return this.#hurried.signal;
  }

  /** 0 for an end in order; for one in a hurry what a shell says of a process that the signal has ended (128 + n). */
  get exitCode(): number {
    return this.#exitCode;
  }

  /** Resolves with the first wish. */
  get asked(): Promise<void> {
    return new Promise((resolve) => {
      if (this.signal.aborted) resolve();
      else this.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  listen(): void {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => this.ask(performance.now(), name));
  }

  ask(nowMs: number, signal: Signal): void {
    if (!this.signal.aborted) {
      this.#askedAtMs = nowMs;
      this.#asked.abort();
    } else if (nowMs - this.#askedAtMs > ECHO_MS && !this.hurried.aborted) {
      this.#exitCode = 128 + constants.signals[signal];
      this.#hurried.abort();
    }
  }
}
