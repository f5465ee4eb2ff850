import { PRIORITY_CLASSES } from '../core/priority.js';
import { WINDOW_PATTERN } from '../core/time-window.js';
import type { PerCallerValues, RouteValues } from './config.js';
import { choice, type Field, type FieldsOf, flag, number, text, whole } from './field.js';
import { timeZone } from './special-fields.js';

const rate = (description: string, defaultText: string): Field<number> =>
  number({ description, from: { above: 0 }, to: 1_000_000, defaultText });

const burst = (description: string): Field<number> =>
  // Below 1 a bucket could never pay for a single request.
  number({ description, from: { atLeast: 1 }, to: 10_000_000, defaultText: '`ratePerSecond`, at least 1' });

/** The fields of a route that `SLUICE_ROUTE_<NAME>_<FIELD>` sets. */
export const routeFields: FieldsOf<RouteValues> = {
  pool: text({
    description: 'Pool that serves the route.',
    allowed: 'the name of a pool',
    // Whether it exists is checked where the pools are known, with the nearest name.
    pattern: /\S/,
    defaultText: 'none',
  }),
  priority: choice(PRIORITY_CLASSES, { description: 'Priority class.', default: 'normal' }),
  ratePerSecond: rate("Refill rate of the route's token bucket.", 'no rate limit'),
  burst: burst('Capacity of the token bucket, in requests.'),
  fleetWide: flag({
    description: "Whether the route's rate limits hold for all instances together.",
    defaultText: '`true` where there is a Redis',
  }),
  fleetMaxConcurrent: whole(1, 100_000, {
    description: 'Requests at work in all instances together; not for the critical class.',
    defaultText: 'none',
  }),
  deadlineMs: whole(1, 3_600_000, { description: 'Time from arrival to deadline.', default: 10_000 }),
  window: text({
    description: 'Time of every day in which the route serves; not for the critical class.',
    allowed: 'two different times of day, such as 22:00-06:00',
    pattern: WINDOW_PATTERN,
    defaultText: 'always',
  }),
  timeZone: timeZone({ description: 'Time zone of `window`.', defaultText: 'that of the process' }),
  maxQueued: whole(0, 1_000_000, { description: 'Requests queued at most.', default: 1_000 }),
  concurrency: whole(1, 100_000, {
    description: 'Concurrency limit of a route without a pool.',
    defaultText: 'none',
  }),
  stream: flag({
    description: 'Whether the deadline ends at the first byte of the answer.',
    default: false,
  }),
  onDisconnect: choice(['cancel', 'finish'], {
    description: 'What happens to the work of a client that went away.',
    default: 'cancel',
  }),
  commitGraceMs: whole(0, 60_000, {
    description: 'How long past the deadline a COMMIT that was sent may take to answer.',
    default: 100,
  }),
  expectedMs: number({
    description: 'Service time to expect before any is measured.',
    from: { above: 0 },
    to: 3_600_000,
    defaultText: 'none',
  }),
  cost: whole(1, 1_000, {
    description: 'Seats that a request takes; not more than the pool has.',
    default: 1,
  }),
};

/** The fields of a bucket per caller that `SLUICE_ROUTE_<NAME>_PER_CALLER_<FIELD>` sets. */
export const perCallerFields: FieldsOf<PerCallerValues> = {
  ratePerSecond: rate("Refill rate of each caller's bucket; only where the code gives `perCaller.key`.", 'required'),
  burst: burst("Capacity of each caller's bucket, in requests."),
  maxKeys: whole(1, 1_000_000, {
    description: 'Callers told apart at once; beyond that newcomers share one bucket.',
    default: 10_000,
  }),
};
