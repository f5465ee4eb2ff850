import { type Diagnosis, diagnose, inTrouble, seatsScarce } from '../core/diagnosis.js';
import type { RouteFigures, ServerFigures } from '../core/pool-figures.js';
import { QuietBaseline } from '../core/quiet-baseline.js';
import { isSlow } from '../core/slow-routes.js';
import type { Snapshot } from '../telemetry/snapshot.js';
import type { ServerGauges, TelemetrySource } from '../telemetry/source.js';
import { LEAST_QUIET, poolFigures } from './diagnose.js';

/** A diagnosis is of the last ten to twenty seconds, where somebody looks as often. */
const STRETCH_MS = 10_000;
/** The mean of one stretch is an estimate by itself. */
const ONE_EACH = { part: 1, batch: 1 };
/** Of the stretches in which a route is slow, though seats are not scarce, one in so many tells what its work takes. */
const SLOW_EACH = 8;

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
  readonly #slowStretches = new Map<string, number>();
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
      if (figures.down || !inTrouble(figures)) return diagnose(figures);
      return diagnose({ ...figures, server: told(servers.get(pool.name)?.()) });
    });
  }

  #learn(now: Snapshot, earlier: Snapshot): void {
    for (const pool of now.pools) {
      const figures = poolFigures(pool, now, earlier, (route) => this.#quiet.get(route)?.ms);
      if (figures.down || seatsScarce(figures)) continue;
      for (const route of figures.routes) {
        if (route.ended >= LEAST_QUIET && this.#counts(route)) this.#record(route);
      }
    }
  }

  /** Of stretches in which a route is slow few count: that may be a trouble for minutes, and is normal after hours. */
  #counts(route: RouteFigures): boolean {
    const { name } = route;
    const slow = isSlow(route) ? (this.#slowStretches.get(name) ?? 0) + 1 : 0;
    this.#slowStretches.set(name, slow);
    return slow % SLOW_EACH === 0;
  }

  #record({ name, ended, heldMs }: RouteFigures): void {
    const baseline = this.#quiet.get(name) ?? new QuietBaseline(ONE_EACH);
    baseline.record(heldMs / ended);
    this.#quiet.set(name, baseline);
  }
}

function told(gauges: ServerGauges | undefined): ServerFigures | 'unheard' {
  return gauges === undefined ? 'unheard' : { active: gauges.active, waitingForLocks: gauges.waiting.lock ?? 0 };
}
