import type { Archive } from './archive.js';
import { detached } from './bounded-key.js';

/** A name that nobody came with is forgotten after so long, and after half of it at the earliest. */
const FORGOTTEN_MS = 600_000;

/**
 * The names that came last, so many of them at most and half as many at least. In two generations: when the younger one
 * is full or old, the older one is forgotten as a whole, because a map whose oldest entry leaves for each that comes is
 * slow to find its oldest.
 */
export class KnownNames {
  readonly #perGeneration: number;
  #young = new Set<string>();
  #old = new Set<string>();
  #sinceMs = Number.NEGATIVE_INFINITY;

  /** @param max - At least 2. */
  constructor(max: number) {
    this.#perGeneration = Math.floor(max / 2);
  }

  /** Names that are kept. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** Whether a name is kept. */
  has(name: string): boolean {
    return this.#young.has(name) || this.#old.has(name);
  }

  /** Somebody came with this name. */
  note(nowMs: number, name: string): void {
    const ageMs = nowMs - this.#sinceMs;
    const known = this.#young.has(name);
    if (ageMs >= FORGOTTEN_MS / 2 || (!known && this.#young.size >= this.#perGeneration)) {
      this.#old = ageMs >= FORGOTTEN_MS ? new Set() : this.#young;
      this.#young = new Set();
      this.#sinceMs = nowMs;
    } else if (known) return;
    this.#young.add(detached(name));
    this.#old.delete(name);
  }

  /** Forgets a name. */
  delete(name: string): void {
    this.#young.delete(name);
    this.#old.delete(name);
  }

  /** Carries its state; see {@link Archive}. */
  archive(io: Archive): void {
    this.#sinceMs = io.number(this.#sinceMs);
    for (const generation of [this.#young, this.#old]) {
      const names = [...generation];
      const count = io.number(names.length);
      for (let place = 0; place < count; place++) {
        const name = io.key(names[place] ?? '');
        if (io.loading) generation.add(name);
      }
    }
  }
}
