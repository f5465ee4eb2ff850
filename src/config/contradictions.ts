import { nearestName } from '../core/nearest.js';
import { exceeds, seatCount } from '../core/seat-count.js';
import type { PoolValues, RouteValues } from './config.js';
import { showMistake } from './mask.js';
import { listNames } from './names.js';
import type { Reading } from './reading.js';
import { poolSection, routeSection } from './section.js';
import { OTHER_SERVER_REMEDY, otherServer } from './yielding-servers.js';

/** Pools and routes as they were read: a field with a mistake is absent. */
export interface Whole {
  readonly pools: ReadonlyMap<string, Partial<PoolValues>>;
  readonly routes: ReadonlyMap<string, Partial<RouteValues>>;
}

/**
 * What must hold between pools, and between a pool and its routes: a configuration that cannot keep what it promises is
 * refused, with the arithmetic that shows it.
 */
export function checkTogether(whole: Whole, reading: Reading): void {
  for (const [name, values] of whole.pools) {
    checkYielding(name, values, whole, reading);
    checkHeadroom(name, values, whole, reading);
    checkPeak(name, values, whole, reading);
    checkPooler(name, values, reading);
  }
  for (const [name, values] of whole.routes) {
    checkCost(name, values, whole, reading);
    checkLane(name, values, reading);
  }
}

/** The seats of a pool; `undefined` where one of its fields is mistaken. */
export function seatsOf({ max, operationsPerRequest }: Partial<PoolValues>): number | undefined {
  if (max === undefined || operationsPerRequest === undefined) return undefined;
  return seatCount(max, operationsPerRequest);
}

/** The seats of a pool with the fields that they come from, as an error message shows them. */
function seatsText(name: string, values: Partial<PoolValues>, reading: Reading): string {
  const at = (key: keyof PoolValues): string => reading.where(poolSection(name).pathPrefix + key);
  const { max, operationsPerRequest } = values;
  const seats = `${seatsOf(values)} seats`;
  if (operationsPerRequest === 1) return `${seats} (${at('max')})`;
  return `${seats} (${at('max')} ${max} / ${at('operationsPerRequest')} ${operationsPerRequest})`;
}

function checkYielding(name: string, values: Partial<PoolValues>, { pools }: Whole, reading: Reading): void {
  const at = (key: keyof PoolValues): string => poolSection(name).pathPrefix + key;
  const where = reading.where(at('yieldsTo'));
  const { yieldsTo, targetMs } = values;
  if (yieldsTo === undefined) {
    if (targetMs === undefined || !reading.sound(at('yieldsTo'))) return;
    const remedy = `means nothing without a pool to yield to; set ${at('yieldsTo')} as well`;
    reading.problems.push({ where: reading.where(at('targetMs')), value: String(targetMs), remedy });
    return;
  }
  const value = showMistake(yieldsTo, false);
  const path = yieldingPath(name, pools);
  if (!pools.has(yieldsTo)) {
    const nearest = nearestName(yieldsTo, [...pools.keys()]);
    const remedy = `no such pool; ${listNames('pools', [...pools.keys()])}`;
    reading.problems.push({ where, value, remedy, ...(nearest === undefined ? {} : { nearest }) });
  } else if (path.at(-1) === name) {
    reading.problems.push({ where, value, remedy: `a pool cannot give way to itself (${path.join(' → ')})` });
  } else if (!reading.moved(at('yieldsTo'), [at('url'), `${poolSection(yieldsTo).pathPrefix}url`])) {
    const other = otherServer(values, pools.get(yieldsTo) ?? {});
    if (other !== undefined) reading.problems.push({ where, value, remedy: `${other}; ${OTHER_SERVER_REMEDY}` });
  }
}

/** The pools that this one gives way to, one after the other; ends at the first that comes twice. */
function yieldingPath(name: string, pools: Whole['pools']): string[] {
  const path = [name];
  for (;;) {
    const next = pools.get(path.at(-1) ?? name)?.yieldsTo;
    if (next === undefined) return path;
    const seen = path.includes(next);
    path.push(next);
    if (seen) return path;
  }
}

function routesOf(pool: string, { routes }: Whole): [string, Partial<RouteValues>][] {
  return [...routes].filter(([, route]) => route.pool === pool);
}

/** Seats that only the critical class may take must leave one to the others, if others there are. */
function checkHeadroom(name: string, values: Partial<PoolValues>, whole: Whole, reading: Reading): void {
  const seats = seatsOf(values);
  const { headroom, max = 0 } = values;
  // More than the pool has is a mistake of its own, and told already.
  if (seats === undefined || headroom === undefined || headroom < seats || headroom > max) return;
  const lower = routesOf(name, whole).filter(([, { priority }]) => priority !== undefined && priority !== 'critical');
  if (lower.length === 0) return;
  const names = lower.map(([route]) => route).join(', ');
  reading.problems.push({
    where: reading.where(`${poolSection(name).pathPrefix}headroom`),
    value: String(headroom),
    remedy: `leaves none of ${seatsText(name, values, reading)} to ${names}; use at most ${seats - 1}`,
  });
}

/** What the critical routes of a pool may demand by their own rates must fit into the share of their class. */
function checkPeak(name: string, values: Partial<PoolValues>, whole: Whole, reading: Reading): void {
  const seats = seatsOf(values);
  const { capCritical } = values;
  if (seats === undefined || capCritical === undefined) return;
  const critical = routesOf(name, whole).filter(([, { priority }]) => priority === 'critical');
  if (capCritical === 0 && critical.length > 0) return noShare(name, values, critical, reading);
  const terms: string[] = [];
  let demand = 0;
  for (const [route, { ratePerSecond, expectedMs, cost }] of critical) {
    if (ratePerSecond === undefined || expectedMs === undefined) continue;
    demand += (ratePerSecond * expectedMs * (cost ?? 1)) / 1_000;
    terms.push(`${route} ${ratePerSecond}/s × ${expectedMs} ms${cost === 1 ? '' : ` × ${cost} seats`}`);
  }
  const share = capCritical * seats;
  if (!exceeds(demand, share)) return;
  reading.problems.push({
    where: reading.where(`${poolSection(name).pathPrefix}capCritical`),
    value: String(capCritical),
    remedy:
      `${terms.join(' + ')} is ${shown(demand)} seats at peak, and the critical class gets at most ` +
      `${capCritical} of ${seatsText(name, values, reading)}, which is ${shown(share)}; ` +
      'use a lower ratePerSecond, more connections, or a larger cap',
  });
}

/** Whatever its rate: the most important class would be served after all others. */
function noShare(name: string, values: Partial<PoolValues>, critical: [string, unknown][], reading: Reading): void {
  const routes = critical.map(([route]) => route).join(', ');
  const remedy = `0 × ${seatsText(name, values, reading)} is 0 seats for ${routes}, of the critical class`;
  const where = reading.where(`${poolSection(name).pathPrefix}capCritical`);
  reading.problems.push({ where, value: '0', remedy: `${remedy}; use more than 0, or a lower priority` });
}

/** What is said of a pooler where none is looked for would do nothing. */
function checkPooler(name: string, values: Partial<PoolValues>, reading: Reading): void {
  const { url, pooler, poolerSize, poolerAdminUrl } = values;
  const at = (field: string): string => reading.where(poolSection(name).pathPrefix + field);
  const mysql = url !== undefined && /^(?:mysql|mariadb):/i.test(url);
  if (!mysql && pooler !== 'none') return;
  const said: Partial<Record<keyof PoolValues, string | undefined>> = {
    ...(pooler === 'pgbouncer' ? { pooler: showMistake(pooler, false) } : {}),
    ...(poolerSize === undefined ? {} : { poolerSize: String(poolerSize) }),
    // A secret.
    ...(poolerAdminUrl === undefined ? {} : { poolerAdminUrl: undefined }),
  };
  const why = mysql ? 'on MySQL: no pooler is looked for before it' : `beside ${at('pooler')} "none"`;
  for (const [field, value] of Object.entries(said)) {
    const where = at(field);
    reading.problems.push({
      where,
      remedy: `means nothing ${why}; leave it out`,
      ...(value === undefined ? {} : { value }),
    });
  }
}

function checkCost(name: string, values: Partial<RouteValues>, { pools }: Whole, reading: Reading): void {
  const at = (key: keyof RouteValues): string => reading.where(routeSection(name).pathPrefix + key);
  const { cost, pool, concurrency, expectedMs, deadlineMs } = values;
  if (cost !== undefined && cost > 1) {
    const own = pool === undefined ? undefined : pools.get(pool);
    const seats = own === undefined ? concurrency : seatsOf(own);
    const remedy =
      own === undefined || pool === undefined
        ? `more than its concurrency limit (${at('concurrency')} is ${concurrency})`
        : `more than pool "${pool}" has: ${seatsText(pool, own, reading)}`;
    if (seats === undefined && pool === undefined && reading.sound(`${routeSection(name).pathPrefix}concurrency`)) {
      const without = 'means nothing for a route without seats; give it a pool or a concurrency';
      reading.problems.push({ where: at('cost'), value: String(cost), remedy: without });
    } else if (seats !== undefined && cost > seats) {
      reading.problems.push({ where: at('cost'), value: String(cost), remedy: `${remedy}; use at most ${seats}` });
    } else if (own !== undefined && pool !== undefined) checkLowerCost(name, values, [pool, own], reading);
  }
  if (expectedMs === undefined || deadlineMs === undefined || expectedMs <= deadlineMs) return;
  reading.problems.push({
    where: at('deadlineMs'),
    value: String(deadlineMs),
    remedy: `${at('expectedMs')} is ${expectedMs}: every request would be refused as unreachable; use at least that`,
  });
}

/** A request of a lower class would be given fewer seats than it costs, and nobody would be told. */
function checkLowerCost(
  name: string,
  { cost = 1, priority }: Partial<RouteValues>,
  [pool, own]: [string, Partial<PoolValues>],
  reading: Reading,
): void {
  const seats = seatsOf(own);
  const { headroom } = own;
  if (seats === undefined || headroom === undefined || priority === undefined || priority === 'critical') return;
  const left = seats - headroom;
  // Headroom that leaves nothing is a mistake of its own, and told already.
  if (left < 1 || cost <= left) return;
  const kept = `${reading.where(`${poolSection(pool).pathPrefix}headroom`)} keeps ${headroom} for the critical class`;
  reading.problems.push({
    where: reading.where(`${routeSection(name).pathPrefix}cost`),
    value: String(cost),
    remedy: `more than is left of ${seatsText(pool, own, reading)} where ${kept}; use at most ${left}`,
  });
}

/** Every request in a lane costs a word with Redis: only what is rare, and may wait, belongs there. */
function checkLane(name: string, values: Partial<RouteValues>, reading: Reading): void {
  const { fleetMaxConcurrent, priority, ratePerSecond } = values;
  if (fleetMaxConcurrent === undefined) return;
  const at = (key: keyof RouteValues): string => routeSection(name).pathPrefix + key;
  const mistaken = (remedy: string): void => {
    reading.problems.push({
      where: reading.where(at('fleetMaxConcurrent')),
      value: String(fleetMaxConcurrent),
      remedy,
    });
  };
  if (priority === 'critical') {
    mistaken('not for the critical class, which never waits for Redis; use the seats of its pool, or a lower priority');
  } else if (ratePerSecond === undefined && reading.sound(at('ratePerSecond'))) {
    mistaken(`means a word with Redis for every request; set ${at('ratePerSecond')} as well`);
  }
}

function shown(seats: number): number {
  return Math.round(seats * 100) / 100;
}
