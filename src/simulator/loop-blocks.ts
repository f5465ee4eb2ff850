import type { LoopBlockEvent } from './scenario.js';

/** When the event loop is blocked. */
export class LoopBlocks {
  readonly #events: readonly LoopBlockEvent[];

  constructor(events: readonly LoopBlockEvent[]) {
    this.#events = events;
  }

  /** The end of the block that an instant falls into, blocks that follow on each other included; else `undefined`. */
  endOf(atMs: number): number | undefined {
    let endMs: number | undefined;
    for (let lookAtMs = atMs; ; ) {
      const next = this.#endOfOne(lookAtMs);
      if (next === undefined || next <= lookAtMs) return endMs;
      endMs = next;
      lookAtMs = next;
    }
  }

  #endOfOne(atMs: number): number | undefined {
    for (const { atMs: firstMs, forMs, everyMs } of this.#events) {
      if (atMs < firstMs) continue;
      const fromMs = everyMs === undefined ? firstMs : firstMs + Math.floor((atMs - firstMs) / everyMs) * everyMs;
      if (atMs < fromMs + forMs) return fromMs + forMs;
    }
    return undefined;
  }
}
