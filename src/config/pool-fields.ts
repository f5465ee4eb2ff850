import type { PoolValues } from './config.js';
import { type FieldsOf, flag, number, whole } from './field.js';
import { serverUrl } from './special-fields.js';

const DAY_MS = 86_400_000;

const share = (description: string, value: number): ReturnType<typeof number> =>
  number({ description, from: { atLeast: 0 }, to: 1, default: value });

/** The fields of a pool that `SLUICE_POOL_<NAME>_<FIELD>` sets. */
export const poolFields: FieldsOf<PoolValues> = {
  url: serverUrl({
    description: 'PostgreSQL server. A secret.',
    schemes: ['postgres', 'postgresql'],
    fallbackVariable: 'DATABASE_URL',
  }),
  max: whole(1, 1_000, { description: 'Connections at most.', default: 10 }),
  minIdle: whole(0, 1_000, {
    description: 'Connections kept open while idle; not more than `max`.',
    defaultText: '2, or `max` where that is less',
  }),
  connectTimeoutMs: whole(1, 60_000, { description: 'Bound of one connection attempt.', default: 2_000 }),
  idleTimeoutMs: whole(0, DAY_MS, {
    description: 'Idle time after which a connection above `minIdle` is closed; 0 never.',
    default: 60_000,
  }),
  maxLifetimeMs: whole(0, 7 * DAY_MS, {
    description: 'Age at which a connection is replaced; 0 never.',
    default: 1_800_000,
  }),
  validateAfterIdleMs: whole(0, DAY_MS, {
    description: 'Idle time after which a connection is checked before it is lent.',
    default: 5_000,
  }),
  lockTimeoutMs: whole(0, 3_600_000, {
    description: "How long a statement may wait for a lock; 0 is the server's own setting.",
    default: 0,
  }),
  rideOutMs: whole(0, 60_000, {
    description: 'How long tickets may wait for a server that is down, from the start of the outage.',
    default: 2_000,
  }),
  operationsPerRequest: number({
    description: "Share of a request's time that holds a connection: seats are `max` divided by it.",
    from: { above: 0 },
    to: 1,
    default: 1,
  }),
  headroom: whole(0, 1_000, {
    description: 'Seats that lower classes leave to the critical class; not more than `max`.',
    defaultText: 'computed from what is measured',
  }),
  capCritical: share('Largest share of seat time for the critical class; with the three minima at most 1.', 0.9),
  minHigh: share('Smallest share of seat time for a backlogged high class.', 0.06),
  minNormal: share('Smallest share of seat time for a backlogged normal class.', 0.03),
  minLow: share('Smallest share of seat time for a backlogged low class.', 0.01),
  breaker: flag({ description: 'Whether the pool has a circuit breaker.', default: true }),
  breakerErrorPercent: number({
    description: 'Share of failing database work that opens the breaker, in percent.',
    from: { atLeast: 1 },
    to: 100,
    default: 50,
  }),
  breakerMinimumCalls: whole(1, 100_000, {
    description: 'Calls within the window below which the breaker stays closed.',
    default: 20,
  }),
  breakerWindowMs: whole(100, 600_000, {
    description: 'Length of the window in which the breaker counts.',
    default: 5_000,
  }),
  breakerResetMs: whole(10, 600_000, {
    description: 'How long an open breaker waits for its first probe.',
    default: 500,
  }),
};
