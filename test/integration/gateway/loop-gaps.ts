/** The longest turn of the event loop so far, in milliseconds. */
export interface LoopGaps {
  longestMs(): number;
  stop(): void;
}

/**
 * Watches the turns of the event loop. A turn counts with its time on the clock or on the processor, whichever is less:
 * a busy machine stretches the first, and helper threads the second.
 */
export function watchLoop(): LoopGaps {
  let longestMs = 0;
  let stopped = false;
  let lastMs = performance.now();
  let lastCpu = process.cpuUsage();
  const turn = (): void => {
    if (stopped) return;
    const nowMs = performance.now();
    const used = process.cpuUsage(lastCpu);
    longestMs = Math.max(longestMs, Math.min(nowMs - lastMs, (used.user + used.system) / 1_000));
    lastMs = nowMs;
    lastCpu = process.cpuUsage();
    setImmediate(turn);
  };
  setImmediate(turn);
  return {
    longestMs: () => longestMs,
    stop: () => {
      stopped = true;
    },
  };
}
