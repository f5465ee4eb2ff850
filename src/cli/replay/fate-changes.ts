import { PRIORITY_CLASSES, type PriorityClass } from '../../core/priority.js';
import type { Fate, LoggedRequest } from './logged-request.js';

/** Requests of one route and class whose fate is the same, or changes in the same way. */
export interface FateRow {
  readonly route: string;
  readonly priority: PriorityClass;
  readonly from: Fate;
  readonly to: Fate;
  readonly requests: number;
}

/** One request whose fate changes. */
export interface FateExample {
  readonly record: number;
  /** Since the first record of the log, in milliseconds. */
  readonly afterMs: number;
  readonly route: string;
  readonly priority: PriorityClass;
  readonly from: Fate;
  readonly to: Fate;
}

/** Whose fate changes. */
export interface FateChanges {
  /** Requests that ended within the log. */
  readonly requests: number;
  readonly changed: number;
  /**
   * Requests whose fate hangs by a hair: under the log's own settings the run comes to another one than the log. They
   * are left out of what changes.
   */
  readonly uncertain: number;
  /** All ways from one fate to another, and those that stay. */
  readonly rows: readonly FateRow[];
  /** The first few that change. */
  readonly examples: readonly FateExample[];
}

const EXAMPLES = 5;

/**
 * Compares what became of each request with what would have become of it.
 *
 * @param own - What becomes of it in the same run with the log's own settings.
 */
export function compareFates(
  requests: readonly LoggedRequest[],
  own: ReadonlyMap<LoggedRequest, Fate>,
  fates: ReadonlyMap<LoggedRequest, Fate>,
  startMs: number,
): FateChanges {
  const rows = new Map<string, FateRow>();
  const examples: FateExample[] = [];
  let changed = 0;
  let uncertain = 0;
  let compared = 0;
  for (const request of requests) {
    const { route, rank, fate: from, record, carriedOver } = request;
    // What the log does not see the beginning or the end of cannot be compared.
    if (carriedOver || from === 'open') continue;
    compared++;
    if (own.get(request) !== from) {
      uncertain++;
      continue;
    }
    const to = fates.get(request) ?? 'open';
    const priority = PRIORITY_CLASSES[rank];
    const key = [route, rank, from, to].join('\n');
    rows.set(key, { route, priority, from, to, requests: (rows.get(key)?.requests ?? 0) + 1 });
    if (from === to) continue;
    changed++;
    if (examples.length < EXAMPLES) {
      const afterMs = (request.judgedAtMs ?? request.enteredAtMs) - startMs;
      examples.push({ record, afterMs, route, priority, from, to });
    }
  }
  return { requests: compared, changed, uncertain, rows: inOrder([...rows.values()]), examples };
}

/** By class and route; what changes most first, what stays last. */
function inOrder(rows: FateRow[]): FateRow[] {
  const rank = ({ priority }: FateRow): number => PRIORITY_CLASSES.indexOf(priority);
  const stays = ({ from, to }: FateRow): number => (from === to ? 1 : 0);
  return rows.sort(
    (one, other) =>
      rank(one) - rank(other) ||
      one.route.localeCompare(other.route) ||
      stays(one) - stays(other) ||
      other.requests - one.requests,
  );
}
