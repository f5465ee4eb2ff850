import { type Archive, archiveMap } from './archive.js';
import { detached } from './bounded-key.js';

/** A name that nobody came with for so long is forgotten. */
const FORGOTTEN_MS = 600_000;

/** The names that came last, so many of them at most: the one that came longest ago makes room. */
export class KnownNames {
  readonly #max: number;
  /** When each came, the one that came longest ago first. */
  readonly #atMs = new Map<string, number>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Names that are kept. */
  get size(): number {
    return this.#atMs.size;
  }

  /** Whether a name is kept. */
  has(name: string): boolean {
    return this.#atMs.has(name);
  }

  /** Somebody came with this name. */
  note(nowMs: number, name: string): void {
    if (this.#atMs.delete(name)) this.#atMs.set(name, nowMs);
    else this.#atMs.set(detached(name), nowMs);
    for (const [first, atMs] of this.#atMs) {
      if (this.#atMs.size <= this.#max && nowMs - atMs < FORGOTTEN_MS) break;
      this.#atMs.delete(first);
    }
  }

  /** Forgets a name. */
  delete(name: string): void {
    this.#atMs.delete(name);
  }

  /** Carries its state; see {@link Archive}. */
  archive(io: Archive): void {
    archiveMap(io, this.#atMs, (_, atMs) => io.number(atMs ?? 0));
  }
}
