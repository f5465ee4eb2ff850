/** What is the matter with a pool, by the figures of a stretch of time. */
export type Fault =
  | 'none'
  | 'database_down'
  | 'lock_contention'
  | 'slow_query'
  | 'database_saturated'
  | 'pool_too_small'
  | 'unclear';

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
  /** Absent where the server was not to be asked; `unheard` where it was, and has not answered lately. */
  readonly server?: ServerFigures | 'unheard' | undefined;
}

/** What `diagnose` found, with the figures that it rests on. */
export interface Diagnosis {
  readonly pool: string;
  readonly fault: Fault;
  /** The route whose work it is, for `slow_query`. */
  readonly route?: string;
  /** One sentence for a person: what was seen, and what would help. */
  readonly detail: string;
}

/** Below this a stretch says nothing. */
const LEAST_ENDED = 20;
/** Seats are scarce when requests wait for so much of their work's time, or are shed for so large a part. */
const WAIT_SHARE = 0.1;
const SHED_SHARE = 0.01;
/** Work is slow from here on, in multiples of its quiet time. */
const SLOW = 2;
/** Not slow below this. */
const STEADY = 1.3;
/** What a route with less of the seats' time does is no matter. */
const MATTERS = 0.1;
/** Locks are the matter when so many of the sessions at work wait for one. */
const LOCK_SHARE = 1 / 3;
/** One route has most of the seats. */
const MOST_SEATS = 0.5;
/** What is slow may wait for a lock: the end of a sentence where nobody could look. */
const LOCKS_UNKNOWN =
  '; whether that is for locks of others is not known: to look takes a free connection to this server, which a pool ' +
  'with "admin: true" keeps';

/**
 * Tells whether the pool, a query, locks or the server is at fault when requests wait or are shed.
 *
 * Where work takes as long as ever, only seats are missing. Where it takes longer, something inside the server is short:
 * a lock, when the sessions at work wait for one; the route, when it alone has become slow; the machine, when all have.
 * Pure.
 */
export function diagnose(pool: PoolFigures): Diagnosis {
  const { name } = pool;
  if (pool.down) {
    return {
      pool: name,
      fault: 'database_down',
      detail: 'the database cannot be reached: look at it, not at the pool',
    };
  }
  const ended = sum(pool.routes, (route) => route.ended);
  const scarce = scarcity(pool);
  const locks = lockShare(pool.server);
  if (locks >= LOCK_SHARE && (scarce !== undefined || slowest(pool.routes) !== undefined)) return locked(pool, locks);
  if (ended < LEAST_ENDED) return { pool: name, fault: 'unclear', detail: `${ended} requests ended: too few to tell` };
  const slow = slowRoute(pool.routes);
  if (slow !== undefined) return slowQuery(name, pool, slow);
  if (scarce === undefined) {
    return { pool: name, fault: 'none', detail: 'requests hardly wait for a seat, and their work is as quick as ever' };
  }
  return short(pool, scarce);
}

function lockShare(server: PoolFigures['server']): number {
  return server === undefined || server === 'unheard' ? 0 : server.waitingForLocks / Math.max(1, server.active);
}

/** Seats are scarce, and no single route is the reason. */
function short(pool: PoolFigures, scarce: string): Diagnosis {
  const known = pool.routes.filter((route) => route.quietMs !== undefined && route.ended > 0);
  const slower = sum(known, ({ heldMs }) => heldMs) / sum(known, (route) => route.ended * (route.quietMs ?? 0));
  const work = `their work takes ${slower.toFixed(1)} times as long as in quiet times`;
  if (known.length === 0 || Number.isNaN(slower)) {
    const detail = `${scarce}, but how long their work takes in quiet times is not known: compare with a calm hour`;
    return { pool: pool.name, fault: 'unclear', detail };
  }
  if (slower >= SLOW) {
    const seen = `${scarce}, and ${work}, on all routes`;
    if (pool.server === 'unheard') return { pool: pool.name, fault: 'unclear', detail: seen + LOCKS_UNKNOWN };
    const detail = `${seen}: the server is saturated. Fewer seats, less work, or a larger server`;
    return { pool: pool.name, fault: 'database_saturated', detail };
  }
  if (slower <= STEADY) {
    const detail = `${scarce}, while ${work}: the database has room. Raise the pool's "max" above ${pool.seats}`;
    return { pool: pool.name, fault: 'pool_too_small', detail };
  }
  const detail = `${scarce}, and ${work}: more seats would partly wait inside the database`;
  return { pool: pool.name, fault: 'unclear', detail };
}

function locked(pool: PoolFigures, share: number): Diagnosis {
  const detail =
    `${percent(share)} of the sessions at work wait for locks of others: look for the row or table that they share ` +
    '(pg_locks, pg_blocking_pids) and keep transactions on it short; neither seats nor a larger server help';
  return { pool: pool.name, fault: 'lock_contention', detail };
}

function slowQuery(pool: string, { routes, server }: PoolFigures, slow: RouteFigures): Diagnosis {
  const held =
    slow.heldMs /
    Math.max(
      1,
      sum(routes, ({ heldMs }) => heldMs),
    );
  const times = slowness(slow).toFixed(1);
  const seen =
    `route "${slow.name}" takes ${times} times as long as in quiet times and holds ${percent(held)} of the seats' time, ` +
    'while the others are as quick as ever';
  if (server === 'unheard') return { pool, fault: 'unclear', detail: seen + LOCKS_UNKNOWN };
  const detail = `${seen}: look at the plan of its statements (EXPLAIN), or give it a pool of its own`;
  return { pool, fault: 'slow_query', route: slow.name, detail };
}

/** Whether requests wait for seats, or are shed for want of them, more than in passing. */
export function seatsScarce(pool: PoolFigures): boolean {
  return scarcity(pool) !== undefined;
}

/** Why seats are scarce, as the beginning of a sentence. */
function scarcity(pool: PoolFigures): string | undefined {
  const asked = pool.admitted + pool.shed;
  const heldMs = sum(pool.routes, (route) => route.heldMs);
  if (asked > 0 && pool.shed / asked >= SHED_SHARE) return `${percent(pool.shed / asked)} of the requests were shed`;
  if (heldMs > 0 && pool.waitedMs / heldMs >= WAIT_SHARE) {
    return `requests waited ${percent(pool.waitedMs / heldMs)} of their work's time for a seat`;
  }
  return undefined;
}

/** A route that has become slow while the others have not, or are nothing beside it. */
function slowRoute(routes: readonly RouteFigures[]): RouteFigures | undefined {
  const slow = slowest(routes);
  if (slow === undefined) return undefined;
  const others = routes.filter((route) => route !== slow && route.ended > 0 && route.quietMs !== undefined);
  if (others.length > 0) return others.every((route) => slowness(route) <= STEADY) ? slow : undefined;
  // Alone on the pool, it is the query when seats are no matter: a server that is short of something sheds as well.
  const heldMs = sum(routes, (route) => route.heldMs);
  return routes.length > 1 && slow.heldMs / heldMs >= MOST_SEATS ? slow : undefined;
}

function slowest(routes: readonly RouteFigures[]): RouteFigures | undefined {
  const heldMs = sum(routes, (route) => route.heldMs);
  const matter = routes.filter((route) => route.heldMs >= heldMs * MATTERS);
  return matter.filter((route) => slowness(route) >= SLOW).sort((a, b) => slowness(b) - slowness(a))[0];
}

/** In multiples of the quiet time; 1 where nothing is known. */
function slowness({ ended, heldMs, quietMs }: RouteFigures): number {
  return ended === 0 || quietMs === undefined || quietMs <= 0 ? 1 : heldMs / ended / quietMs;
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
