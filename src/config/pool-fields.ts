import type { PoolValues } from './config.js';
import { choice, type FieldsOf, flag, number, text, whole } from './field.js';
import { pemPath } from './pem-path.js';
import { serverUrl } from './special-fields.js';

const DAY_MS = 86_400_000;

const share = (description: string, value: number): ReturnType<typeof number> =>
  number({ description, from: { atLeast: 0 }, to: 1, default: value });

/** The fields of a pool that `SLUICE_POOL_<NAME>_<FIELD>` sets. */
export const poolFields: FieldsOf<PoolValues> = {
  url: serverUrl({
    description: 'Server: PostgreSQL, MySQL or MariaDB. A secret.',
    schemes: ['postgres', 'postgresql', 'mysql', 'mariadb'],
    fallbackVariable: 'DATABASE_URL',
  }),
  tls: flag({ description: 'Whether TLS is required even where the URL does not say so.', default: false }),
  tlsCa: pemPath("Certificates of the authorities to trust instead of the system's; requires TLS."),
  tlsCert: pemPath("The client's certificate; goes with `tlsKey`."),
  tlsKey: pemPath('The key of `tlsCert`, without a passphrase.'),
  tlsServerName: text({
    description: "Name that the server's certificate must bear; requires TLS.",
    allowed: 'the name of a host',
    pattern: /^[A-Za-z0-9.:_-]{1,253}$/,
    defaultText: 'the host of the URL',
  }),
  admin: flag({
    description: 'Whether the pool must always get in: it keeps all its connections open.',
    default: false,
  }),
  // Before the fields whose defaults it sets: they are read in this order.
  profile: choice(['batch', 'migration'], {
    description:
      'What the pool is for, where it serves no requests. Sets the defaults of `max` (2; 1), `minIdle` (0), ' +
      '`lockTimeoutMs` (30,000; 2,000), `rideOutMs` (30,000) and of `deadlineMs` of its routes (600,000; 3,600,000).',
    defaultText: 'none',
  }),
  pooler: choice(['auto', 'pgbouncer', 'none'], {
    description: 'What stands between the pool and its server; `auto` finds it out at the first connection.',
    default: 'auto',
  }),
  poolerSize: whole(1, 10_000, {
    description: 'Connections that the pooler has to the server for this user and database.',
    defaultText: 'read with `poolerAdminUrl`',
  }),
  poolerAdminUrl: serverUrl({
    description: "The pooler's console, from which its mode, size and figures are read. A secret.",
    schemes: ['postgres', 'postgresql'],
  }),
  max: whole(1, 1_000, { description: 'Connections at most.', default: 10 }),
  minIdle: whole(0, 1_000, {
    description: 'Connections kept open while idle; not more than `max`.',
    defaultText: '2, or `max` where that is less; `max` with `admin`',
  }),
  connectTimeoutMs: whole(1, 60_000, { description: 'Bound of one connection attempt.', default: 2_000 }),
  idleTimeoutMs: whole(0, DAY_MS, {
    description: 'Idle time after which a connection above `minIdle` is closed; 0 never.',
    default: 60_000,
  }),
  maxLifetimeMs: whole(0, 7 * DAY_MS, {
    description: 'Age at which a connection is replaced, once the new one is open; 0 never.',
    default: 1_800_000,
  }),
  validateAfterIdleMs: whole(0, DAY_MS, {
    description:
      'Idle time after which a connection is checked before it is lent; less than the `idle_session_timeout` of the server, if it has one.',
    default: 5_000,
  }),
  lockTimeoutMs: whole(0, 3_600_000, {
    description: "How long a statement may wait for a lock; 0 is the server's own setting.",
    default: 0,
  }),
  maxResultBytes: whole(0, 2 ** 40, {
    description: 'Bytes that the answer to one statement may have; more ends it, and 0 sets no bound.',
    default: 67_108_864,
  }),
  rideOutMs: whole(0, 60_000, {
    description:
      'How long tickets may wait for a server that is down, from the start of the outage. One waits only where its ' +
      'time left covers what is left of this, so above `deadlineMs` of a route it makes short outages worse.',
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
  minSeats: whole(1, 1_000, {
    description: 'Seats that the pool keeps however much it adapts or yields; not more than its seats.',
    defaultText: '2, or its seats where those are fewer',
  }),
  adaptive: flag({
    description: 'Whether the concurrency limit adapts to what the server bears, between `minSeats` and the seats.',
    default: false,
  }),
  yieldsTo: text({
    description: 'Pool of the same server to which this one gives way while that one misses `targetMs` or lacks seats.',
    allowed: 'the name of another pool',
    // Whether it exists is checked where the pools are known, with the nearest name.
    pattern: /\S/,
    defaultText: 'none',
  }),
  targetMs: number({
    description: 'Database time (p99) that the pool of `yieldsTo` is to keep.',
    from: { atLeast: 1 },
    to: 3_600_000,
    defaultText: '2 × its quiet p99',
  }),
  maxQueued: whole(1, 1_000_000, {
    description: 'Requests that wait for the pool at most, whatever each of its routes may queue.',
    default: 10_000,
  }),
  maxTenants: whole(1, 100_000, {
    description: 'Tenants whose shares are kept apart in a class at once.',
    default: 1_024,
  }),
  feasibility: flag({
    description: 'Whether work that cannot be done in time is refused rather than tried.',
    default: true,
  }),
  lifo: flag({
    description: 'Whether a class that stands in its queue is served newest first.',
    default: true,
  }),
  eviction: flag({
    description:
      'Whether a class may queue only what it works off soon: in twice the median of the work (at least 150 ms, 300 ms ' +
      'the critical class), and a quarter of the deadline. Beyond it the oldest of a queue that stands leaves, or the ' +
      'newcomer is refused. `false` for work that may wait: only time and count bound it then.',
    default: true,
  }),
  displacement: flag({
    description: 'Whether a more important arrival takes the place of a less important one in a full queue.',
    default: true,
  }),
  breaker: flag({ description: 'Whether the pool has a circuit breaker.', default: true }),
  breakerErrorPercent: number({
    description: 'Share of failing database work that opens the breaker, in percent.',
    from: { atLeast: 1 },
    to: 100,
    default: 50,
  }),
  breakerSlowPercent: number({
    description: 'Share of database work that is cut off at its deadline from which the breaker opens, in percent.',
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
  breakerRampMs: whole(0, 60_000, {
    description: 'Length of each step in which a closing breaker lets more through; 0 closes it at once.',
    default: 1_000,
  }),
};
