/** What one instance tells the ledger of a lane. */
export interface LaneReport {
  readonly sequence: number;
  /** Places that are taken here. */
  readonly held: number;
  /** Requests that wait for one here. */
  readonly want: number;
  /** Whether the ledger has known this instance before: if it does not now, it was lost. */
  readonly known: boolean;
  /** Whether it took places without the ledger. */
  readonly away: boolean;
  /** How long before this one the last report was sent, in ms; `Infinity` for the first. */
  readonly sinceMs: number;
}

/** What the ledger answers. */
export interface LaneReply {
  /** Places that may be taken beyond those reported. */
  readonly granted: number;
  /** The least that any instance has as its bound. */
  readonly max: number;
  /** Places that the others hold, or may. */
  readonly others: number;
  /** Requests that wait at the others. */
  readonly waiting: number;
  /** Instances that live, this one included. */
  readonly instances: number;
  /** This instance's place among them, from 0. */
  readonly rank: number;
  /** Not everybody has told yet what it holds: nothing is granted. */
  readonly closed: boolean;
}

/**
 * The places of a fleet-wide lane as one instance knows them. While the ledger answers, only what it granted is taken.
 * Without it, each instance goes on with its part of the places: all parts together are never more than all places, so
 * where there are fewer places than instances, some have none. What others held as it fell silent counts as held until
 * it must have ended, as far as was known: what they were granted in the half second before may come on top.
 */
export class LanePlaces {
  readonly #own: number;
  readonly #configured: () => number;
  readonly #holdMs: number;
  #inUse = 0;
  #granted = 0;
  #sequence = 0;
  #saidAtMs = Number.NEGATIVE_INFINITY;
  #away = true;
  /** When what the others hold was heard last, or the ledger fell silent. */
  #asOfMs = Number.NEGATIVE_INFINITY;
  #last: LaneReply | undefined;

  /**
   * @param max - Places in all, a whole number from 1.
   * @param instances - Instances as long as the ledger has not told.
   * @param holdMs - No place is held longer than this.
   */
  constructor(max: number, instances: () => number, holdMs: number) {
    this.#own = max;
    this.#configured = instances;
    this.#holdMs = holdMs;
  }

  /** Places taken here. */
  get inUse(): number {
    return this.#inUse;
  }

  /** Places that were granted and are not taken. */
  get spare(): number {
    return this.#granted;
  }

  /** Whether places are taken from this instance's own part, without asking. */
  get away(): boolean {
    return this.#away;
  }

  /** The bound in force. */
  get max(): number {
    return Math.min(this.#own, this.#last?.max ?? this.#own);
  }

  /** Instances that share the places, as the ledger said last; 0 before it did. */
  get instances(): number {
    return this.#last?.instances ?? 0;
  }

  /** Requests at other instances that wait, as far as is known. */
  get waitingElsewhere(): number {
    return this.#away ? 0 : (this.#last?.waiting ?? 0);
  }

  /** Places that seem free in the whole fleet. */
  free(nowMs: number): number {
    if (this.#away) return Math.max(0, this.awayMost(nowMs) - this.#inUse);
    return Math.max(0, this.max - (this.#last?.others ?? 0) - this.#inUse);
  }

  /** When those who held places as the ledger was heard last must have left them. */
  get settledAtMs(): number {
    return this.#asOfMs + this.#holdMs;
  }

  /**
   * Places that this instance may hold without the ledger: its part, less what the others may still hold from before.
   */
  awayMost(nowMs: number): number {
    const { max, ownPart } = this;
    if (this.#last === undefined) return ownPart;
    return Math.max(0, Math.min(ownPart, nowMs < this.settledAtMs ? max - this.#last.others : max));
  }

  /** Its part of the places: with fewer places than instances, some have none. */
  get ownPart(): number {
    const { max } = this;
    if (this.#last === undefined) return Math.floor(max / Math.max(1, this.#configured()));
    const { instances, rank } = this.#last;
    return Math.floor(max / instances) + (rank < max % instances ? 1 : 0);
  }

  /** The ledger is there, and its first answer on the way: nothing is taken before. */
  meet(): void {
    this.#away = false;
  }

  /** Takes a place where there is one. */
  take(nowMs: number): boolean {
    if (this.#away ? this.#inUse >= this.awayMost(nowMs) : this.#granted === 0) return false;
    if (!this.#away) this.#granted -= 1;
    this.#inUse += 1;
    return true;
  }

  /** Nobody needs the place that was just taken: it may be taken again. */
  putBack(): void {
    this.#inUse -= 1;
    if (!this.#away) this.#granted += 1;
  }

  /** Gives a place back. */
  release(): void {
    this.#inUse -= 1;
  }

  /** What to tell the ledger. What it granted before and nobody took goes back with it. */
  report(nowMs: number, want: number): LaneReport {
    const sinceMs = nowMs - this.#saidAtMs;
    this.#granted = 0;
    this.#sequence += 1;
    this.#saidAtMs = nowMs;
    const known = this.#last !== undefined;
    return { sequence: this.#sequence, held: this.#inUse, want, known, away: this.#away, sinceMs };
  }

  /** The ledger has answered. */
  settle(reply: LaneReply): void {
    // Who lives on its part goes on so; who had the ledger waits for it, which is a matter of a second.
    if (reply.closed) return;
    this.#away = false;
    this.#granted = reply.granted;
    this.#last = reply;
  }

  /**
   * The ledger answered too late for anybody to wait for it: what it says of the others holds all the same.
   *
   * @returns Whether that is news.
   */
  hear(nowMs: number, reply: LaneReply): boolean {
    // One that has lost its entries knows of nobody yet.
    if (!this.#away || reply.closed) return false;
    this.#last = reply;
    this.#asOfMs = nowMs;
    return true;
  }

  /** The ledger does not answer, or has forgotten. */
  part(nowMs: number): void {
    this.#granted = 0;
    if (this.#away) return;
    this.#away = true;
    this.#asOfMs = nowMs;
  }
}
