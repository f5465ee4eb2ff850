import type { RefusalRecord } from '../../src/telemetry/last-refusals.js';
import type { RouteTelemetry } from '../../src/telemetry/source.js';

/** One refusal as the dashboard shows it. */
export interface RefusalView extends RefusalRecord {
  readonly route: string;
  /** The wall clock, in ms since 1970. */
  readonly at: number;
}

/** Refusals that are shown at once, and of one route at most while others have some to show. */
const MOST = 30;

/**
 * The last refusals of all routes, newest first, at most thirty; where one route alone could fill the list, each of the
 * others still has its newest five.
 */
export function refusalsOf(routes: Iterable<RouteTelemetry>, nowMs: number, wallMs: number): RefusalView[] {
  const byRoute = Array.from(routes, ({ name, stats }) =>
    stats.lastRefusals
      .list()
      .map((record): RefusalView => ({ ...record, route: name, at: wallMs - (nowMs - record.atMs) })),
  );
  const newestFirst = (list: RefusalView[]): RefusalView[] => list.sort((one, other) => other.atMs - one.atMs);
  const sure = newestFirst(byRoute.flatMap((list) => list.slice(0, 5))).slice(0, MOST);
  const others = newestFirst(byRoute.flatMap((list) => list.slice(5))).slice(0, MOST - sure.length);
  return newestFirst([...sure, ...others]);
}
