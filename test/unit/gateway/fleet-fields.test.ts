import { expect, it } from 'vitest';
import { resolveConfig } from '../../../src/config/resolve.js';
import { disagreements, type FleetFields, fleetFields } from '../../../src/gateway/fleet-fields.js';

const OPTIONS = {
  redisUrl: 'redis://127.0.0.1',
  ratePerSecond: 100,
  routes: {
    reports: { priority: 'low', ratePerSecond: 10, burst: 20, fleetMaxConcurrent: 4, deadlineMs: 5_000 },
    reads: { priority: 'normal', deadlineMs: 500 },
  },
} as const;

const fields = (options: Parameters<typeof resolveConfig>[0]): FleetFields => fleetFields(resolveConfig(options, {}));

it('names everything in which instances differ that share limits, and what holds', () => {
  const { reports } = OPTIONS.routes;
  const other = fields({
    ...OPTIONS,
    ratePerSecond: 80,
    fleetSyncMs: 100,
    routes: {
      reports: { ...reports, ratePerSecond: 5, burst: 30, fleetMaxConcurrent: 3 },
      exports: { priority: 'low', deadlineMs: 5_000 },
    },
  });
  expect(disagreements(fields(OPTIONS), [other])).toEqual([
    'routes.exports is not here, but elsewhere',
    'routes.reads is here, but not everywhere',
    'ratePerSecond is 100 here and 80 elsewhere (80 holds)',
    'burst is 100 here and 80 elsewhere (80 holds)',
    'fleetSyncMs is 50 here and 100 elsewhere (each keeps its own)',
    'routes.reports.ratePerSecond is 10 here and 5 elsewhere (5 holds)',
    'routes.reports.burst is 20 here and 30 elsewhere (20 holds)',
    'routes.reports.fleetMaxConcurrent is 4 here and 3 elsewhere (3 holds)',
  ]);
});

it('has nothing to say where they are alike', () => {
  expect(disagreements(fields(OPTIONS), [fields(OPTIONS), fields(OPTIONS)])).toEqual([]);
});
