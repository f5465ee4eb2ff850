import { type PoolFigures, percent, type RouteFigures, slowness, sum } from './pool-figures.js';
import { quickBeside, SLOW, STEADY, slowAlone, slowBeside, slowest, slowRoute } from './slow-routes.js';

/** What is the matter with a pool, by the figures of a stretch of time. */
export type Fault =
  | 'none'
  | 'database_down'
  | 'lock_contention'
  | 'slow_query'
  | 'database_saturated'
  | 'pool_too_small'
  | 'unclear';

/** What `diagnose` found, with the figures that it rests on. */
export interface Diagnosis {
  readonly pool: string;
  readonly fault: Fault;
  /** The route whose work has become slow, where it is that of one; always for `slow_query`. */
  readonly route?: string;
  /** One sentence for a person: what was seen, and what would help. */
  readonly detail: string;
}

/** Below this a stretch says nothing. */
const LEAST_ENDED = 20;
/** Seats are scarce when requests wait for so much of their work's time, or are shed for so large a part. */
const WAIT_SHARE = 0.1;
const SHED_SHARE = 0.01;
/** Locks are the matter when so many of the sessions at work wait for one. */
const LOCK_SHARE = 1 / 3;
const BESIDE_QUICK = ', while what runs on other pools of this server is as quick as ever';
/** What is slow may wait for a lock: the end of a sentence where nobody has looked. */
const LOCKS_UNKNOWN =
  '; whether that is for locks of others is not known: the next look tells, once a connection to this server was free ' +
  'for it, and a pool with "admin: true" keeps one';
const HARDLY_WAIT = 'requests hardly wait for a seat';

/**
 * Tells whether the pool, a query, locks or the server is at fault when requests wait or are shed.
 *
 * Where work takes as long as ever, only seats are missing. Where it takes longer, something inside the server is short:
 * a lock, when the sessions at work wait for one; the route, when it alone has become slow; the machine, when all have,
 * of which a pool with one route says nothing by itself: then the other pools of the server do.
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
  const alone = slowAlone(pool.routes);
  if (alone !== undefined) return slowOnItsOwn(pool, alone, scarce);
  return ofAllRoutes(pool, scarce);
}

/** Whether it is worth it to ask the server about locks: somebody waits for seats, or for work that has become slow. */
export function inTrouble(pool: PoolFigures): boolean {
  if (seatsScarce(pool)) return true;
  return sum(pool.routes, (route) => route.ended) >= LEAST_ENDED && slowest(pool.routes) !== undefined;
}

function lockShare(server: PoolFigures['server']): number {
  return server === undefined || server === 'unheard' ? 0 : server.waitingForLocks / Math.max(1, server.active);
}

/** No single route is the reason of what is seen. */
function ofAllRoutes(pool: PoolFigures, scarce: string | undefined): Diagnosis {
  const known = pool.routes.filter((route) => route.quietMs !== undefined && route.ended > 0);
  const slower = sum(known, ({ heldMs }) => heldMs) / sum(known, (route) => route.ended * (route.quietMs ?? 0));
  const work = `their work takes ${slower.toFixed(1)} times as long as in quiet times`;
  if (slower >= SLOW)
    return allSlow(pool, `${scarce ?? HARDLY_WAIT}, and ${work}, on all routes`, scarce !== undefined);
  return scarce === undefined ? { pool: pool.name, ...unhindered(slower, work) } : short(pool, scarce, slower, work);
}

function allSlow(pool: PoolFigures, seen: string, scarce: boolean): Diagnosis {
  const { name } = pool;
  if (pool.server === 'unheard') return { pool: name, fault: 'unclear', detail: seen + LOCKS_UNKNOWN };
  if (quickBeside(pool)) {
    const detail = `${seen}${BESIDE_QUICK}: look at what those routes share, a table or a function`;
    return { pool: name, fault: 'unclear', detail };
  }
  // Where seats are free, fewer of them change nothing.
  const remedy = scarce ? 'Fewer seats, less work, or a larger server' : 'Less work, or a larger server';
  return { pool: name, fault: 'database_saturated', detail: `${seen}: the server is saturated. ${remedy}` };
}

/** Nobody waits for a seat, and nothing has become slow. */
function unhindered(slower: number, work: string): Omit<Diagnosis, 'pool'> {
  if (slower <= STEADY) return { fault: 'none', detail: `${HARDLY_WAIT}, and their work is as quick as ever` };
  const unknown = Number.isNaN(slower) ? 'how long their work takes in quiet times is not known yet' : work;
  return { fault: 'none', detail: `${HARDLY_WAIT}; ${unknown}` };
}

/** Seats are scarce, and nothing has become slow. */
function short({ name, seats }: PoolFigures, scarce: string, slower: number, work: string): Diagnosis {
  if (Number.isNaN(slower)) {
    const detail = `${scarce}, but how long their work takes in quiet times is not known: compare with a calm hour`;
    return { pool: name, fault: 'unclear', detail };
  }
  if (slower <= STEADY) {
    const detail = `${scarce}, while ${work}: the database has room. Raise the pool's "max" above ${seats}`;
    return { pool: name, fault: 'pool_too_small', detail };
  }
  return {
    pool: name,
    fault: 'unclear',
    detail: `${scarce}, and ${work}: more seats would partly wait inside the database`,
  };
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

/** The only route that ran has become slow: whether it is to blame, the other pools of the server tell. */
function slowOnItsOwn(pool: PoolFigures, slow: RouteFigures, scarce: string | undefined): Diagnosis {
  const found = { pool: pool.name, route: slow.name };
  const seen =
    (scarce === undefined ? '' : `${scarce}, and `) +
    `route "${slow.name}" takes ${slowness(slow).toFixed(1)} times as long as in quiet times`;
  if (pool.server === 'unheard') return { ...found, fault: 'unclear', detail: seen + LOCKS_UNKNOWN };
  if (quickBeside(pool)) {
    const detail = `${seen}${BESIDE_QUICK}: look at the plan of its statements (EXPLAIN)`;
    return { ...found, fault: 'slow_query', detail };
  }
  if (scarce !== undefined && slowBeside(pool)) {
    const detail = `${seen}, as does other work on this server: it is saturated. Fewer seats, less work, or a larger server`;
    return { pool: pool.name, fault: 'database_saturated', detail };
  }
  const detail =
    `${seen}, and nothing that ran beside it tells whether that is its statements or the server: look at their plan ` +
    '(EXPLAIN), and at the processors and disks of the server';
  return { ...found, fault: 'unclear', detail };
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
