import type { RefusalRecord } from '../../src/telemetry/last-refusals.js';
import { REFUSAL_CODES } from '../../src/telemetry/refusal-codes.js';
import type { RouteTelemetry } from '../../src/telemetry/source.js';

/** The last refusal of one kind on one route, as the dashboard shows it. */
export interface RefusalView extends RefusalRecord {
  readonly route: string;
  /** The wall clock, in ms since 1970. */
  readonly at: number;
  /** How many of the last refusals of the route that are kept are of this kind. */
  readonly alike: number;
  /** What the operator can do about it. */
  readonly helps: string;
}

/** Kinds that are shown at once. */
const MOST = 40;

/**
 * The last refusals of all routes, newest first, at most forty. Of those of one route with one code only the newest is
 * there, with their number: under overload they are all the same, and would hide every other.
 */
export function refusalsOf(routes: Iterable<RouteTelemetry>, nowMs: number, wallMs: number): RefusalView[] {
  const views = Array.from(routes, ({ name, stats }) => {
    const kept = stats.lastRefusals.list();
    const newest = kept.filter(({ code }, place) => kept.findIndex((other) => other.code === code) === place);
    return newest.map((record): RefusalView => {
      const alike = kept.filter(({ code }) => code === record.code).length;
      return {
        ...record,
        route: name,
        at: wallMs - (nowMs - record.atMs),
        alike,
        helps: REFUSAL_CODES[record.code].helps,
      };
    });
  });
  return views
    .flat()
    .sort((one, other) => other.atMs - one.atMs)
    .slice(0, MOST);
}
