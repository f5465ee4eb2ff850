import type { Clock } from '../clock.js';
import type { PoolConfig } from '../config/config.js';
import { PoolerConsole, type PoolerFigures } from '../pools/pooler-console.js';

/** A reading is used for so long. */
const FRESH_MS = 2_000;
/** Without a reading for so long the last one says nothing any more. */
const STALE_MS = 60_000;

/**
 * What the pooler of a pool tells, for those who read the metrics. It is asked when somebody does and the last reading
 * is old, and the answer is there for the next one: no request and no scrape waits for it.
 */
export class PoolerMonitor {
  readonly #console: PoolerConsole;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #figures: PoolerFigures | undefined;
  #reading = false;

  constructor(console: PoolerConsole) {
    this.#console = console;
  }

  /** The last reading; `undefined` before the first, and when the console has not answered for a minute. */
  figures(nowMs: number): PoolerFigures | undefined {
    if (!this.#reading && nowMs - this.#readAtMs > FRESH_MS) void this.#read(nowMs);
    return nowMs - this.#readAtMs > STALE_MS ? undefined : this.#figures;
  }

  async #read(nowMs: number): Promise<void> {
    this.#reading = true;
    try {
      this.#figures = await this.#console.figures();
      this.#readAtMs = nowMs;
    } catch {
      // That it cannot be asked was said at the start; here its figures are missing.
    } finally {
      this.#reading = false;
    }
  }
}

/** The monitor of a pool whose pooler has a console that may be asked. */
export function poolerMonitorOf({ poolerAdminUrl, url }: PoolConfig, clock: Clock): PoolerMonitor | undefined {
  return poolerAdminUrl === undefined ? undefined : new PoolerMonitor(new PoolerConsole(poolerAdminUrl, url, clock));
}
