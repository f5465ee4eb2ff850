/** The work of one route on the pool. */
export interface RouteFigures {
  readonly name: string;
  /** Requests that ended. */
  readonly ended: number;
  /** How long they held their seats in all, in milliseconds. */
  readonly heldMs: number;
  /** How long one holds its seat in quiet times, in milliseconds; absent where that is not known. */
  readonly quietMs?: number | undefined;
}

/** What the server said of the sessions that work, in one look or summed over several. */
export interface ServerFigures {
  /** Sessions that ran a statement. */
  readonly active: number;
  /** Of these, how many waited for a lock. */
  readonly waitingForLocks: number;
}

/** The figures of one pool over a stretch of time. */
export interface PoolFigures {
  readonly name: string;
  readonly down: boolean;
  /** The concurrency limit. */
  readonly seats: number;
  /** Requests that got a seat. */
  readonly admitted: number;
  /** How long they waited for it in all, in milliseconds. */
  readonly waitedMs: number;
  /** Requests that were shed for want of seats. */
  readonly shed: number;
  readonly routes: readonly RouteFigures[];
  /** Those of other pools on the same server: they tell whether all of it is slow. */
  readonly beside?: readonly RouteFigures[];
  /** Absent where the server was not to be asked; `unheard` where it was, and has not answered lately. */
  readonly server?: ServerFigures | 'unheard' | undefined;
}

/** In multiples of the quiet time; 1 where nothing is known. */
export function slowness({ ended, heldMs, quietMs }: RouteFigures): number {
  return ended === 0 || quietMs === undefined || quietMs <= 0 ? 1 : heldMs / ended / quietMs;
}

/** Adds up a figure of each. */
export function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

/** As a text. */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
