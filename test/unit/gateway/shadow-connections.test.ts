import { expect, it } from 'vitest';
import type { RouteOptions } from '../../../src/config/options.js';
import { type Random, seededRandom } from '../../../src/simulator/random.js';
import { type Call, ShadowWorld } from './shadow-world.js';

const ROUTES = {
  checkout: { priority: 'critical', deadlineMs: 500 },
  search: { priority: 'normal', deadlineMs: 500 },
  export: { priority: 'low', deadlineMs: 2_000 },
} as const satisfies Record<string, RouteOptions>;
/** Ten seats and as many connections, of 50 ms each. */
const PER_SECOND = 200;

const same = (): number => 50;
/** As in the simulator: 50 ms on average, and one in ten takes five times longer than the others. */
const tailed = (random: Random): number => -Math.log(1 - random()) * (random() < 0.9 ? 35 : 185);

/** Instants and durations that add and subtract without rounding. */
const exact = (ms: number): number => Math.round(ms * 2 ** 20) / 2 ** 20;

function calls(seed: number, load: number, serviceMs: (random: Random) => number): Call[] {
  const random = seededRandom(seed);
  const made: Call[] = [];
  for (const [route, part] of [
    ['checkout', 0.2],
    ['search', 0.5],
    ['export', 0.3],
  ] as const) {
    const pauseMs = (): number => (-Math.log(1 - random()) * 1_000) / (PER_SECOND * load * part);
    for (let atMs = exact(pauseMs()); atMs < 20_000; atMs = exact(atMs + pauseMs())) {
      made.push({ route, atMs, serviceMs: exact(serviceMs(random)) });
    }
  }
  return made.toSorted((one, other) => one.atMs - other.atMs);
}

/** How many are refused or late, or would be. */
function turnedAway(mode: 'enforce' | 'observe', all: readonly Call[]): number {
  const world = new ShadowWorld(mode, 10, ROUTES).withConnections(10).expect(all);
  world.clock.runUntil(200_000);
  expect(world.gate.bulkhead.inFlight + world.gate.bulkhead.queued).toBe(0);
  return world.visits.filter(({ fate }) => typeof fate === 'string').length;
}

// Observed, work waits for seconds in line for a connection, and its shadow is long done when it begins: shadows hold
// their seats for as long as others were served. Each for the mean, a tenth fewer would be turned away of the second row.
it.each([
  { name: 'all work alike, twice the capacity', load: 2, serviceMs: same, within: 0.01 },
  { name: 'work with a tail, 1.2 times the capacity', load: 1.2, serviceMs: tailed, within: 0.07 },
  { name: 'work with a tail, twice the capacity', load: 2, serviceMs: tailed, within: 0.02 },
])('$name: as many would be turned away as are', ({ load, serviceMs, within }) => {
  let [are, would] = [0, 0];
  for (const seed of [1, 2, 3, 4]) {
    const all = calls(seed, load, serviceMs);
    are += turnedAway('enforce', all);
    would += turnedAway('observe', all);
  }
  expect(are).toBeGreaterThan(1_000);
  expect(Math.abs(would / are - 1)).toBeLessThanOrEqual(within);
});
