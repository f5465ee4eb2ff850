/** How much slower a server is, and how that changes. */
export interface Slowdown {
  readonly atMs: number;
  readonly forMs: number;
  readonly factor: number;
  readonly toFactor: number;
}

/**
 * What befalls a pool, from its beginning to its end. Where two of a kind overlap, the one that began last holds, and at
 * its end the other again, if it is not over by then; outages and standstills are over when the last of them is.
 */
export class PoolTroubles {
  readonly #slowdowns: Slowdown[] = [];
  readonly #capacities: { readonly seats: number }[] = [];
  /** Times in which no work gets on, apart from each other, in order. */
  readonly #stills: { readonly fromMs: number; untilMs: number }[] = [];
  #outages = 0;
  /** Seats where nothing changes them for a time. */
  #usualSeats: number;

  constructor(seats: number) {
    this.#usualSeats = seats;
  }

  /** Seats that there are now. */
  get seats(): number {
    return this.#capacities.at(-1)?.seats ?? this.#usualSeats;
  }

  /** The pool is set to other seats. */
  set usualSeats(seats: number) {
    this.#usualSeats = seats;
  }

  /** The pool has other seats for a time. */
  beginCapacity(capacity: { readonly seats: number }): void {
    this.#capacities.push(capacity);
  }

  /** That time is over. */
  endCapacity(capacity: { readonly seats: number }): void {
    take(this.#capacities, capacity);
  }

  /** Work that starts takes so many times longer, changing evenly between two instants. */
  beginSlowdown(slowdown: Slowdown): void {
    this.#slowdowns.push(slowdown);
  }

  /** It does no more. */
  endSlowdown(slowdown: Slowdown): void {
    take(this.#slowdowns, slowdown);
  }

  /** How many times longer than alone work takes that starts now. */
  slowness(nowMs: number): number {
    const slowdown = this.#slowdowns.at(-1);
    if (slowdown === undefined) return 1;
    const part = Math.min(1, Math.max(0, (nowMs - slowdown.atMs) / slowdown.forMs));
    return slowdown.factor + (slowdown.toFactor - slowdown.factor) * part;
  }

  /** The server is lost. True when it was there until now. */
  beginOutage(): boolean {
    return ++this.#outages === 1;
  }

  /** One outage is over. True when the server is there again. */
  endOutage(): boolean {
    return --this.#outages === 0;
  }

  /** No work gets on between two instants, of which the first is not before that of the last call. */
  standStill(fromMs: number, untilMs: number): void {
    const last = this.#stills.at(-1);
    if (last === undefined || last.untilMs < fromMs) this.#stills.push({ fromMs, untilMs });
    else last.untilMs = Math.max(last.untilMs, untilMs);
  }

  /** For how long work between two instants got no further, or will not: each time that began by then counts to its end. */
  heldUpMs(fromMs: number, toMs: number): number {
    let heldMs = 0;
    for (const still of this.#stills) {
      if (still.fromMs < toMs) heldMs += Math.max(0, still.untilMs - Math.max(fromMs, still.fromMs));
    }
    return heldMs;
  }
}

function take<T>(items: T[], item: T): void {
  const place = items.indexOf(item);
  if (place !== -1) items.splice(place, 1);
}
