/** Something so small that only many of it can be measured. */
export interface MicroCase {
  readonly name: string;
  readonly unit: 'ns' | 'bytes';
  /** The bar, in `unit`. */
  readonly bound?: number;
  /** Measures once; called several times, each time from the start. */
  sample(): number;
}

/** One case and its samples. */
export interface MicroResult {
  readonly name: string;
  readonly unit: string;
  readonly bound: number | null;
  readonly samples: readonly number[];
}

const WARM_UP_MS = 150;
const LEAST_SAMPLE_MS = 25;

/**
 * A sample of nanoseconds per call: `prepare` builds fresh state and gives the operation, which is repeated until the
 * compiler has done its work and then for long enough to be measured.
 */
export function nanoseconds(prepare: () => () => void): () => number {
  return () => {
    const operation = prepare();
    let batch = 1_000;
    const warmUntilMs = performance.now() + WARM_UP_MS;
    while (performance.now() < warmUntilMs) repeat(operation, batch);
    for (;;) {
      const startedMs = performance.now();
      repeat(operation, batch);
      const tookMs = performance.now() - startedMs;
      if (tookMs >= LEAST_SAMPLE_MS) return (tookMs * 1e6) / batch;
      batch *= 2;
    }
  };
}

/**
 * A sample of bytes of heap per item: `make` builds so many items, `dispose` ends them afterwards. Needs
 * `--expose-gc`.
 */
export function bytesEach<Items>(
  count: number,
  make: (count: number) => Items,
  dispose: (items: Items) => void,
): () => number {
  return () => {
    // Once beforehand: what grows to its size and stays is not the cost of one item.
    once(count, make, dispose);
    const before = settledHeap();
    const items = make(count);
    const bytes = (settledHeap() - before) / count;
    dispose(items);
    return bytes;
  };
}

/** In a frame of its own, which takes its references to the items with it. */
function once<Items>(count: number, make: (count: number) => Items, dispose: (items: Items) => void): void {
  dispose(make(count));
}

function repeat(operation: () => void, times: number): void {
  for (let done = 0; done < times; done += 1) operation();
}

function settledHeap(): number {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc');
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}
