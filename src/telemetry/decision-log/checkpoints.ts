import type { Clock } from '../../clock.js';
import type { Archive } from '../../core/archive.js';
import type { DecisionRing } from './decision-ring.js';
import type { KeyHash } from './key-hash.js';
import { StateWriter } from './state-archive.js';

/** A part of the policy whose state depends on its own records only, so that it may be written at any time. */
export interface Component {
  readonly kind: 'gate' | 'rate';
  /** Which of its kind: the place of the gate, or of the route. */
  readonly place: number;
  archive(io: Archive): void;
}

/** The state of one component at one point of the log. */
export interface Checkpoint {
  readonly kind: 'gate' | 'rate';
  readonly place: number;
  /** Records written by then, all of which the state knows. */
  readonly at: number;
  readonly state: Float64Array;
}

/** So long one hand may write before input gets its turn. */
const TURN_MS = 0.5;

/**
 * The states at the head of each segment, one component after the other, between two turns of the event loop. A segment
 * whose states are not complete when the next one begins gets the rest at once: that takes a turn in which thousands of
 * decisions fall, and must not cost the log its head.
 *
 * One component is written in one piece: some 0.3 microseconds for each of its tickets in flight or queued, 0.13 for each
 * caller key. So 3,000 queued tickets, or 8,000 callers, take a millisecond, an eighth of the ring apart.
 */
export class Checkpoints {
  /** How long one hand took at most, in milliseconds. */
  longestMs = 0;
  readonly #clock: Clock;
  readonly #ring: DecisionRing;
  readonly #hash: KeyHash;
  readonly #components: Component[] = [];
  readonly #bySegment = new Map<number, Checkpoint[]>();
  #scheduled = false;
  /** The segment whose states are being written. */
  #segment = 0;

  constructor(clock: Clock, ring: DecisionRing, hash: KeyHash) {
    this.#clock = clock;
    this.#ring = ring;
    this.#hash = hash;
  }

  add(component: Component): void {
    this.#components.push(component);
  }

  /** A segment began. */
  begin(segment: number): void {
    while (this.#writeNext());
    this.#segment = segment;
    this.#bySegment.set(segment, []);
    for (const number of this.#bySegment.keys()) {
      if (number < this.#ring.oldestSegment) this.#bySegment.delete(number);
    }
    this.#schedule();
  }

  /** The oldest segment from which all can be decided again. The first needs no states: everything was new then. */
  oldest(): number {
    const { oldestSegment } = this.#ring;
    // Only the newest can be incomplete, and it is alone only where the ring has but one segment.
    return oldestSegment;
  }

  /** The states at the head of a segment. */
  of(segment: number): readonly Checkpoint[] {
    return this.#bySegment.get(segment) ?? [];
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.afterInput(() => {
      this.#scheduled = false;
      const beganMs = this.#clock.nowMs();
      let tookMs = 0;
      while (tookMs < TURN_MS && this.#writeNext()) tookMs = this.#clock.nowMs() - beganMs;
      this.longestMs = Math.max(this.longestMs, tookMs);
      if (this.of(this.#segment).length < this.#components.length && this.#segment > 0) this.#schedule();
    });
  }

  /** Writes the state of the next component; false when none is left. */
  #writeNext(): boolean {
    const states = this.#bySegment.get(this.#segment);
    const component = states && this.#components[states.length];
    if (states === undefined || component === undefined) return false;
    const { kind, place } = component;
    const writer = new StateWriter(this.#hash);
    component.archive(writer);
    states.push({ kind, place, at: this.#ring.written, state: writer.state });
    return true;
  }
}
