import type { GatewayValues } from './config.js';
import { choice, type FieldsOf, flag, number, text, whole } from './field.js';
import { header, headerList, redisUrl, serverUrl } from './special-fields.js';

/** The fields of a gateway that `SLUICE_<FIELD>` sets. */
export const gatewayFields: FieldsOf<GatewayValues> = {
  mode: choice(['enforce', 'observe', 'off'], {
    description: 'Whether decisions are enforced, only counted (`observe`), or not taken at all.',
    default: 'enforce',
  }),
  redisUrl: serverUrl({
    description: 'Redis server over which the instances of a fleet share their limits. A secret.',
    schemes: ['redis', 'rediss'],
    further: redisUrl,
    fallbackVariable: 'REDIS_URL',
  }),
  fleetName: text({
    description: 'Instances of one name share their limits.',
    allowed: '1 to 63 printable ASCII characters',
    pattern: /^[ -~]{1,63}$/,
    defaultText: '`applicationName`',
  }),
  fleetSyncMs: whole(10, 1_000, {
    description: 'About how often Redis hears of the tokens that were spent.',
    default: 50,
  }),
  ratePerSecond: number({
    description: 'Refill rate of a token bucket of all routes together.',
    from: { above: 0 },
    to: 10_000_000,
    defaultText: 'no rate limit',
  }),
  burst: number({
    // Below 1 a bucket could never pay for a single request.
    description: 'Capacity of that bucket, in requests; its last tokens are kept for the more important classes.',
    from: { atLeast: 1 },
    to: 100_000_000,
    defaultText: '`ratePerSecond`, at least 1',
  }),
  applicationName: text({
    description: 'Name that the database server shows for every session.',
    allowed: '1 to 63 printable ASCII characters',
    pattern: /^[ -~]{1,63}$/,
    default: 'sluice',
  }),
  instances: whole(1, 10_000, {
    description:
      "Processes that share the database server's connections; where they meet in a Redis, only until it answers.",
    default: 1,
  }),
  budgetReserve: {
    ...number({
      description: "Share of the server's `max_connections` that stays free.",
      from: { atLeast: 0.1 },
      to: 0.2,
      default: 0.15,
    }),
    allowed: 'a number from 0.1 to 0.2 (of 100 connections 10 to 20 stay free for administration)',
  },
  budgetHeaders: headerList({
    description: 'Request headers that may shorten a deadline.',
    default: ['x-request-timeout-ms'],
  }),
  priorityHeader: header({
    description: "Request header that may lower a request's class.",
    defaultText: 'none',
  }),
  rateLimitHeaders: flag({
    description: 'Whether answers, refusals for a rate among them, carry `RateLimit` and `RateLimit-Policy`.',
    default: true,
  }),
  serverTiming: flag({
    description: 'Whether answers carry `Server-Timing`: queue wait, waits for connections, statements, total.',
    default: false,
  }),
  readinessDelayMs: whole(0, 600_000, {
    description: 'How long a draining process still admits after readiness turned 503.',
    default: 5_000,
  }),
  drainTimeoutMs: whole(0, 600_000, {
    description: 'How long draining waits for requests in flight before it cancels them.',
    default: 10_000,
  }),
  writeTimeoutMs: whole(0, 3_600_000, {
    description:
      'A client that takes nothing of an answer that is there for so long is cut off; 0 never. Where a stream holds a ' +
      'connection, and its seat, until then, 8,192 bytes a second have to be taken on average.',
    default: 30_000,
  }),
  maxEventLoopLagMs: whole(0, 60_000, {
    description: 'Event-loop lag from which requests are shed as `overloaded`; 0 never.',
    default: 200,
  }),
  decisionLogRecords: whole(0, 10_000_000, {
    description: 'Records that the decision log keeps, 48 bytes each and at least 1,024; 0 for no log.',
    default: 0,
  }),
};
