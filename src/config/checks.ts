import { nearestName } from '../core/nearest.js';
import type { GatewayValues, PoolValues, RouteValues } from './config.js';
import { seatsOf } from './contradictions.js';
import { showMistake } from './mask.js';
import { listNames } from './names.js';
import type { Reading } from './reading.js';
import { poolSection, routeSection } from './section.js';

// Sums of shares such as 0.9 + 0.06 + 0.03 + 0.01 miss 1 by the rounding of binary fractions.
const ROUNDING = 1e-9;

/** What must hold between the fields of a pool. Pairs of which one is already mistaken are left alone. */
export function checkPool(name: string, values: Partial<PoolValues>, reading: Reading): void {
  const at = (key: keyof PoolValues): string => poolSection(name).pathPrefix + key;
  if (reading.sound(at('url')) && values.url === undefined) {
    const own = `${poolSection(name).variablePrefix}URL`;
    reading.problems.push({ where: at('url'), remedy: `no server; set it in the code, or set ${own} or DATABASE_URL` });
  }
  for (const key of ['minIdle', 'headroom'] as const) {
    const value = values[key];
    if (value === undefined || values.max === undefined || value <= values.max) continue;
    const most = `${reading.where(at('max'))}, which is ${values.max}`;
    reading.problems.push({ where: reading.where(at(key)), value: String(value), remedy: `use at most ${most}` });
  }
  if (
    values.admin === true &&
    values.minIdle !== undefined &&
    values.max !== undefined &&
    values.minIdle < values.max
  ) {
    const remedy = `an admin pool keeps all its connections; leave it out, or use ${values.max} (${reading.where(at('max'))})`;
    reading.problems.push({ where: reading.where(at('minIdle')), value: String(values.minIdle), remedy });
  }
  const seats = seatsOf(values);
  if (values.minSeats !== undefined && seats !== undefined && values.minSeats > seats) {
    const remedy = `use at most ${seats}, the seats of the pool`;
    reading.problems.push({ where: reading.where(at('minSeats')), value: String(values.minSeats), remedy });
  }
  checkShares(values, at, reading);
}

const SHARES = ['capCritical', 'minHigh', 'minNormal', 'minLow'] as const;

function checkShares(values: Partial<PoolValues>, at: (key: keyof PoolValues) => string, reading: Reading): void {
  if (!reading.sound(...SHARES.map(at))) return;
  const sum = SHARES.reduce((total, key) => total + (values[key] ?? 0), 0);
  if (sum <= 1 + ROUNDING) return;
  const terms = SHARES.map((key) => `${reading.where(at(key))} (${values[key]})`).join(' + ');
  reading.problems.push({
    where: reading.where(at('capCritical')),
    remedy: `${terms} is ${Number(sum.toFixed(9))}; use shares with a sum of at most 1`,
  });
}

/** What must hold between the fields of a route, and between it and the pools. */
export function checkRoute(
  name: string,
  values: Partial<RouteValues>,
  pools: readonly string[],
  reading: Reading,
): void {
  const at = (key: keyof RouteValues): string => routeSection(name).pathPrefix + key;
  if (values.pool !== undefined && !pools.includes(values.pool)) {
    const nearest = nearestName(values.pool, pools);
    reading.problems.push({
      where: reading.where(at('pool')),
      value: showMistake(values.pool, false),
      remedy: `no such pool; ${listNames('pools', pools)}`,
      ...(nearest === undefined ? {} : { nearest }),
    });
  }
  if (values.concurrency !== undefined && values.pool !== undefined) {
    const remedy = `leave it out, the pool bounds the route (${reading.where(at('pool'))})`;
    reading.problems.push({ where: reading.where(at('concurrency')), value: String(values.concurrency), remedy });
  }
  checkWindow(values, at, reading);
  if (values.burst !== undefined && values.ratePerSecond === undefined && reading.sound(at('ratePerSecond'))) {
    const rate = `${routeSection(name).variablePrefix}RATE_PER_SECOND or ${at('ratePerSecond')}`;
    const remedy = `means nothing without a rate limit; set ${rate} as well`;
    reading.problems.push({ where: reading.where(at('burst')), value: String(values.burst), remedy });
  }
}

/** What must hold among the fields of the gateway itself. */
export function checkGateway({ burst, ratePerSecond }: Partial<GatewayValues>, reading: Reading): void {
  if (burst === undefined || ratePerSecond !== undefined || !reading.sound('ratePerSecond')) return;
  const remedy = 'means nothing without a rate limit; set SLUICE_RATE_PER_SECOND or ratePerSecond as well';
  reading.problems.push({ where: reading.where('burst'), value: String(burst), remedy });
}

function checkWindow(values: Partial<RouteValues>, at: (key: keyof RouteValues) => string, reading: Reading): void {
  const { window, timeZone, priority } = values;
  if (timeZone !== undefined && window === undefined && reading.sound(at('window'))) {
    const remedy = `means nothing without a window; set ${at('window')} as well`;
    reading.problems.push({ where: reading.where(at('timeZone')), value: timeZone, remedy });
  }
  if (window === undefined || priority !== 'critical') return;
  const remedy = `the critical class is served at any time; leave it out, or use a lower class (${reading.where(at('priority'))})`;
  reading.problems.push({ where: reading.where(at('window')), value: showMistake(window, false), remedy });
}

/** Whether a value is a function of the request, as `purpose` tells what for; a problem where it is not. */
export function checkFunction<Of extends (request: never) => unknown>(
  value: unknown,
  path: string,
  purpose: string,
  reading: Reading,
): value is Of {
  if (typeof value === 'function') return true;
  reading.problems.push({ where: path, value: showMistake(value, false), remedy: `use a function that ${purpose}` });
  return false;
}
