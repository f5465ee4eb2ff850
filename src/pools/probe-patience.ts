/** For the handshake with a server that is known to be quick. */
const SHORT_MS = 500;
/** A handshake that takes so many times as long as it does of late is taken for lost. */
const TIMES_USUAL = 3;
/** Of attempts that have reached the server, which may be slow now, every so manieth is left its whole time. */
const EVERY_REACHED = 3;
/** The same of those that have met nobody: the network repeats what it loses ever more slowly, so a new attempt is better. */
const EVERY_UNREACHED = 9;

/**
 * How long a probe of a server that is away may hang. What is sent into a silent network is lost, and the attempt to
 * connect hears of the network's return only when the system repeats it, a second later and then two: a new attempt
 * hears of it at once. Now and then one is left its whole time, for a server that has become slow.
 */
export class ProbePatience {
  #hung = 0;

  /** When a probe is to be looked at, in milliseconds from its start; `undefined` while nothing is known of the server. */
  lookAfterMs(usualMs: number): number | undefined {
    return usualMs === 0 ? undefined : Math.max(SHORT_MS, TIMES_USUAL * usualMs);
  }

  /** Whether a probe that still hangs then is given up; `reached`: it has met somebody. */
  givesUp(reached: boolean): boolean {
    return (this.#hung + 1) % (reached ? EVERY_REACHED : EVERY_UNREACHED) !== 0;
  }

  /** A probe ended without an answer. */
  hung(): void {
    this.#hung += 1;
  }

  /** The server answered, in whatever way. */
  answered(): void {
    this.#hung = 0;
  }
}
