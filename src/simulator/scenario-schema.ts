import { z } from 'zod';
import { PRIORITY_CLASSES } from '../core/priority.js';
import type { Distribution } from './distribution.js';
import { SCENARIO_VERSION, type Scenario } from './scenario.js';
import { checkTimes } from './scenario-times.js';

const DAY_MS = 86_400_000;
/** Every run is a run of hours at most, and nobody adds up the reports of a thousand of them. */
const MOST_SEEDS = 100;
/** As a gateway's own configuration. */
const MOST_CONNECTIONS = 1_000;
const MOST_PARTS = 1_000;
const MOST_TENANTS = 1_000_000;
/** Sums of shares such as 0.1 + 0.2 + 0.7 miss 1 by the rounding of binary fractions. */
const ROUNDING = 1e-9;

const name = z.string().min(1).max(100);
const instantMs = z.number().min(0).max(DAY_MS);
const lengthMs = z.number().gt(0).max(DAY_MS);
const share = z.number().min(0).max(1);
const factor = z.number().gt(0).max(1_000_000);
const perSecond = z.number().min(0).max(10_000_000);

const distribution: z.ZodType<Distribution> = z.lazy(() =>
  z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('constant'), ms: z.number().min(0).max(DAY_MS) }),
    z.strictObject({ kind: z.literal('exponential'), meanMs: lengthMs }),
    z.strictObject({ kind: z.literal('lognormal'), medianMs: lengthMs, sigma: z.number().gt(0).max(10) }),
    z
      .strictObject({
        kind: z.literal('pareto'),
        minMs: lengthMs,
        alpha: z.number().gt(0).max(100),
        maxMs: lengthMs.optional(),
      })
      .superRefine(({ minMs, maxMs }, context) => {
        if (maxMs === undefined || minMs <= maxMs) return;
        const message = `${maxMs} is less than minMs, which is ${minMs}: every time would be cut; use at least ${minMs}`;
        context.addIssue({ code: 'custom', path: ['maxMs'], message });
      }),
    z.strictObject({ kind: z.literal('bimodal'), fastMs: lengthMs, slowMs: lengthMs, slowShare: share }),
    z.strictObject({ kind: z.literal('mixture'), parts: mixtureParts }),
  ]),
);

const mixtureParts = z
  .array(z.strictObject({ share, of: distribution }))
  .min(1)
  .max(MOST_PARTS)
  .refine((parts) => Math.abs(parts.reduce((sum, part) => sum + part.share, 0) - 1) <= ROUNDING, {
    error: 'the shares of the parts must add up to 1',
  });

const ratePhases = z
  .array(z.strictObject({ perSecond, toPerSecond: perSecond.optional(), forMs: lengthMs.optional() }))
  .min(1)
  .max(MOST_PARTS)
  .superRefine((phases, context) => {
    for (const [index, { forMs, toPerSecond }] of phases.entries()) {
      if (forMs !== undefined) continue;
      const message =
        index < phases.length - 1
          ? 'give forMs: only the last phase may go on without an end'
          : 'give forMs: a ramp needs an end';
      if (index < phases.length - 1 || toPerSecond !== undefined) {
        context.addIssue({ code: 'custom', path: [index], message });
      }
    }
  });

const stream = z.strictObject({
  route: name,
  name: name.optional(),
  arrivals: z.enum(['poisson', 'even']).default('poisson'),
  rate: ratePhases,
  service: distribution.optional(),
  lock: z.strictObject({ name, hold: distribution, costPerWaiter: z.number().min(0).max(100).default(0) }).optional(),
  budget: distribution.optional(),
  disconnects: z.strictObject({ share, after: distribution }).optional(),
  tenants: z
    .array(
      z.strictObject({
        key: name,
        count: z.int().min(1).max(MOST_TENANTS).default(1),
        weight: factor.default(1),
        fresh: z.boolean().default(false),
      }),
    )
    .min(1)
    .max(MOST_PARTS)
    .optional(),
  cost: distribution.optional(),
  retries: z
    .strictObject({
      attempts: z.int().min(1).max(100),
      backoffMs: z.number().min(0).max(DAY_MS),
      factor: z.number().min(1).max(100).default(2),
      jitter: share.default(0.5),
      honourRetryAfter: z.boolean().default(false),
    })
    .optional(),
  reading: z.strictObject({ time: distribution, holdsSeat: z.boolean().default(false) }).optional(),
});

const routeChange = z.strictObject({
  ratePerSecond: z.number().gt(0).max(1_000_000).optional(),
  burst: z.number().min(1).max(10_000_000).optional(),
  deadlineMs: z.int().min(1).max(3_600_000).optional(),
  maxQueued: z.int().min(0).max(1_000_000).optional(),
});

const event = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('capacity'),
    atMs: instantMs,
    forMs: lengthMs.optional(),
    pool: name,
    seats: z.int().min(0).max(100_000),
  }),
  z.strictObject({
    kind: z.literal('slowdown'),
    atMs: instantMs,
    forMs: lengthMs.optional(),
    pool: name,
    factor,
    toFactor: factor.optional(),
  }),
  z.strictObject({
    kind: z.literal('loopBlock'),
    atMs: instantMs,
    forMs: z.number().gt(0).max(60_000),
    everyMs: z.number().min(10).max(DAY_MS).optional(),
  }),
  z.strictObject({ kind: z.literal('outage'), atMs: instantMs, forMs: lengthMs, pool: name }),
  z.strictObject({ kind: z.literal('standstill'), atMs: instantMs, forMs: lengthMs, pool: name }),
  z.strictObject({
    kind: z.literal('config'),
    atMs: instantMs,
    pools: z.record(name, z.strictObject({ max: z.int().min(1).max(MOST_CONNECTIONS) })).optional(),
    routes: z.record(name, routeChange).optional(),
  }),
]);

const span = { fromMs: instantMs, untilMs: lengthMs };

/** A scenario as a file holds it; what is left out gets its default. */
export const scenarioSchema: z.ZodType<Scenario, unknown> = z
  .strictObject({
    // The last member of every file may be a reference to this format for editors.
    $schema: z.string().optional(),
    sluiceScenario: z.literal(SCENARIO_VERSION),
    name,
    description: z.string().max(10_000).default(''),
    durationMs: lengthMs,
    warmUpMs: instantMs.default(0),
    seeds: z
      .array(z.int().min(0).max(0xffff_ffff))
      .min(1)
      .max(MOST_SEEDS)
      .default([1])
      .superRefine((seeds, context) => {
        for (const [index, seed] of seeds.entries()) {
          const first = seeds.indexOf(seed);
          if (first === index) continue;
          const message = `${seed} is seeds[${first}] already: the same run would count twice; use another, or leave it out`;
          context.addIssue({ code: 'custom', path: [index], message });
        }
      }),
    cancelAtDeadline: z.boolean().default(true),
    gateway: z.record(z.string(), z.unknown()).optional(),
    streams: z.array(stream).min(1).max(MOST_PARTS),
    events: z.array(event).max(MOST_PARTS).default([]),
    windows: z
      .array(z.strictObject({ name, ...span }))
      .max(16)
      .default([]),
    reclaim: z
      .strictObject({ atMs: instantMs, untilMs: lengthMs, class: z.enum(PRIORITY_CLASSES), targetMs: lengthMs })
      .optional(),
  })
  .superRefine(checkTimes);
