import { type Diagnosis, diagnose, seatsScarce } from '../core/diagnosis.js';
import type { ServerFigures } from '../core/pool-figures.js';
import { QuietBaseline } from '../core/quiet-baseline.js';
import type { Snapshot } from '../telemetry/snapshot.js';
import type { ServerGauges, TelemetrySource } from '../telemetry/source.js';
import { LEAST_QUIET, poolFigures } from './diagnose.js';

/** A diagnosis is of the last ten to twenty seconds, where somebody looks as often. */
const STRETCH_MS = 10_000;
/** The mean of one stretch is an estimate by itself. */
const ONE_EACH = { part: 1, batch: 1 };

interface Taken {
  readonly atMs: number;
  readonly snapshot: Snapshot;
}

/**
 * What is the matter with the pools of a gateway, for those who look at it again and again. Each look is compared with
 * one of a while before, and with what the work of each route takes in quiet times: stretches in which seats were not
 * scarce. So a trouble that lasts does not become the normal state. Nothing is done between looks, and a server is asked
 * about locks only while its pool is in trouble.
 */
export class RunningDiagnosis {
  readonly #quiet = new Map<string, QuietBaseline>();
  #since: Taken | undefined;
  #next: Taken | undefined;

  /** One for each pool; none at the first look, which there is nothing to compare with. */
  of(nowMs: number, snapshot: Snapshot, source: TelemetrySource): Diagnosis[] {
    const now = { atMs: nowMs, snapshot };
    const found = this.#since === undefined ? [] : this.#diagnose(snapshot, this.#since.snapshot, source);
    if (this.#next === undefined || nowMs - this.#next.atMs >= STRETCH_MS) {
      if (this.#next !== undefined) this.#learn(snapshot, this.#next.snapshot);
      this.#since = this.#next ?? now;
      this.#next = now;
    }
    return found;
  }

  #diagnose(now: Snapshot, earlier: Snapshot, source: TelemetrySource): Diagnosis[] {
    const servers = new Map(Array.from(source.pools(), ({ name, server }) => [name, server]));
    return now.pools.map((pool) => {
      const figures = poolFigures(pool, now, earlier, (route) => this.#quiet.get(route)?.ms);
      const first = diagnose(figures);
      if (figures.down || (!seatsScarce(figures) && first.route === undefined)) return first;
      return diagnose({ ...figures, server: told(servers.get(pool.name)?.()) });
    });
  }

  #learn(now: Snapshot, earlier: Snapshot): void {
    for (const pool of now.pools) {
      const figures = poolFigures(pool, now, earlier, () => undefined);
      if (figures.down || seatsScarce(figures)) continue;
      for (const { name, ended, heldMs } of figures.routes) {
        if (ended < LEAST_QUIET) continue;
        const baseline = this.#quiet.get(name) ?? new QuietBaseline(ONE_EACH);
        baseline.record(heldMs / ended);
        this.#quiet.set(name, baseline);
      }
    }
  }
}

function told(gauges: ServerGauges | undefined): ServerFigures | 'unheard' {
  return gauges === undefined ? 'unheard' : { active: gauges.active, waitingForLocks: gauges.waiting.lock ?? 0 };
}
