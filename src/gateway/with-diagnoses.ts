import type { Diagnosis, Fault } from '../core/diagnosis.js';
import type { PoolSnapshot, Snapshot } from '../telemetry/snapshot.js';

/** What more seats would not mend: they would wait inside the database, or for it. */
const NOT_FOR_WANT_OF_SEATS: ReadonlySet<Fault> = new Set([
  'database_down',
  'lock_contention',
  'slow_query',
  'database_saturated',
]);

/**
 * A snapshot with what was found to be the matter with its pools. The advice on a pool only compares requests with
 * those of quiet times; whoever has looked into the server, or at each route, may know better that it has no room.
 */
export function withDiagnoses(taken: Snapshot, diagnoses: Diagnosis[]): Snapshot {
  const pools = taken.pools.map((pool) => {
    const found = diagnoses.find((diagnosis) => diagnosis.pool === pool.name);
    return found === undefined || !seatsWouldNotHelp(found) ? pool : withoutGrowth(pool, found);
  });
  return { ...taken, pools, diagnoses };
}

/** Work that has become slow is so for another reason than a want of seats, also where that is not known. */
function seatsWouldNotHelp({ fault, route }: Diagnosis): boolean {
  return NOT_FOR_WANT_OF_SEATS.has(fault) || (fault === 'unclear' && route !== undefined);
}

function withoutGrowth(pool: PoolSnapshot, found: Diagnosis): PoolSnapshot {
  if (pool.advice?.action !== 'grow') return pool;
  const detail = `the pool is at its limit, but more seats would not help: ${found.detail}`;
  return { ...pool, advice: { action: 'leave', reason: 'database_busy', seats: pool.seats.limit, detail } };
}
