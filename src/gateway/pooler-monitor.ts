import type { Clock } from '../clock.js';
import type { PoolConfig } from '../config/config.js';
import { PoolerConsole, type PoolerFigures } from '../pools/pooler-console.js';
import { LatestReading } from './latest-reading.js';

/** What the pooler of a pool tells, for those who read the metrics. */
export class PoolerMonitor {
  readonly #reading: LatestReading<PoolerFigures>;

  constructor(console: PoolerConsole, clock: Clock) {
    this.#reading = new LatestReading(clock, () => console.figures());
  }

  /** See {@link LatestReading.figures}. */
  figures(nowMs: number): PoolerFigures | undefined {
    return this.#reading.figures(nowMs);
  }
}

/** The monitor of a pool whose pooler has a console that may be asked. */
export function poolerMonitorOf({ poolerAdminUrl, url }: PoolConfig, clock: Clock): PoolerMonitor | undefined {
  return poolerAdminUrl === undefined
    ? undefined
    : new PoolerMonitor(new PoolerConsole(poolerAdminUrl, url, clock), clock);
}
