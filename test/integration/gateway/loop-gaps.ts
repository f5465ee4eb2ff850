import { PerformanceObserver } from 'node:perf_hooks';

/** The longest turn of the event loop so far, in milliseconds. */
export interface LoopGaps {
  longestMs(): number;
  stop(): void;
}

interface Turn {
  readonly fromMs: number;
  readonly toMs: number;
  readonly cpuMs: number;
}

/** Only these are kept to be looked at: the others are short whatever they did. */
const LONG_MS = 20;

/**
 * Watches the turns of the event loop. A turn counts with its time on the clock or on the processor, whichever is less:
 * a busy machine stretches the first, and helper threads the second. What the garbage collector took of the clock's is
 * left out: it goes through all that a test keeps, and waits for its helpers on a busy machine.
 */
export function watchLoop(): LoopGaps {
  const long: Turn[] = [];
  const collections: { readonly startTime: number; readonly duration: number }[] = [];
  const collector = new PerformanceObserver((list) => collections.push(...list.getEntries()));
  collector.observe({ entryTypes: ['gc'] });
  let stopped = false;
  let lastMs = performance.now();
  let lastCpu = process.cpuUsage();
  const turn = (): void => {
    if (stopped) return;
    const nowMs = performance.now();
    const used = process.cpuUsage(lastCpu);
    if (nowMs - lastMs > LONG_MS) {
      long.push({ fromMs: lastMs, toMs: nowMs, cpuMs: (used.user + used.system) / 1_000 });
    }
    lastMs = nowMs;
    lastCpu = process.cpuUsage();
    setImmediate(turn);
  };
  setImmediate(turn);
  const collectedMs = ({ fromMs, toMs }: Turn): number =>
    collections
      .filter(({ startTime }) => startTime >= fromMs && startTime < toMs)
      .reduce((sum, { duration }) => sum + duration, 0);
  return {
    longestMs: () => Math.max(0, ...long.map((one) => Math.min(one.toMs - one.fromMs - collectedMs(one), one.cpuMs))),
    stop: () => {
      stopped = true;
      collector.disconnect();
    },
  };
}
