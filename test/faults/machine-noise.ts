const TICK_MS = 5;
/** Waits that follow one another so closely are felt by the same requests. */
const TOGETHER_MS = 200;

/**
 * How long the machine kept this process from running: gaps between the ticks of a timer in which the process used less
 * than half the time itself. What it spends computing is its own fault, and is not counted.
 */
export class MachineNoise {
  readonly #gaps: { readonly atMs: number; readonly ms: number }[] = [];
  readonly #timer: NodeJS.Timeout;
  #lastMs: number = performance.now();
  #lastCpuMs: number = cpuMs();

  constructor() {
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Ends the watch. Returns the most that was lost within a fifth of a second, in milliseconds. */
  stop(): number {
    clearInterval(this.#timer);
    this.#tick();
    const lostFrom = (fromMs: number): number =>
      this.#gaps
        .filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + TOGETHER_MS)
        .reduce((sum, { ms }) => sum + ms, 0);
    return Math.max(0, ...this.#gaps.map(({ atMs }) => lostFrom(atMs)));
  }

  #tick(): void {
    const nowMs = performance.now();
    const usedMs = cpuMs();
    const lateMs = nowMs - this.#lastMs - TICK_MS;
    const idleMs = nowMs - this.#lastMs - (usedMs - this.#lastCpuMs);
    if (lateMs > TICK_MS && idleMs > lateMs / 2) this.#gaps.push({ atMs: nowMs, ms: lateMs });
    this.#lastMs = nowMs;
    this.#lastCpuMs = usedMs;
  }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
