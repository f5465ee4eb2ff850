import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LanePlaces } from '../../../src/core/lane-places.js';
import { LANE_GAP_MS, LANE_LEASE_MS, LANE_SCRIPT } from '../../../src/fleet/lane-script.js';
import { ownRedis } from './own-redis.js';

// The real script and the real places of several instances, in virtual time: Redis cannot be reached by anybody, and is
// reached again by one after the other.

const TICK_MS = 100;
const BEFORE_MS = 4_000;
/** No request of before the last half second is granted: what others were given in it may come on top. */
const CALM_MS = 500;
const AFTER_MS = 7_000;
/** Whoever is not back by then is dead. */
const LATE_MS = 5_000;
/** All have their requests in it: a lane that has lost nobody is whole. */
const HOLD_MS = 1_500;
const KEY = 'lane';
const TIMED = LANE_SCRIPT.replace(/local time = .*\nlocal now = .*/, 'local now = tonumber(ARGV[9])');

const own = ownRedis();

interface Outage {
  readonly max: number;
  readonly lastsMs: number;
  /** Redis has kept what it knew. */
  readonly kept: boolean;
  readonly members: readonly { readonly backAfterMs: number; readonly dies: boolean }[];
}

/** One instance whose clients want all places, always. */
class Member {
  readonly places: LanePlaces;
  readonly #id: string;
  readonly #max: number;
  #untilMs: number[] = [];

  constructor(id: string, max: number, instances: number) {
    this.#id = id;
    this.#max = max;
    this.places = new LanePlaces(max, () => instances, HOLD_MS);
    this.places.meet();
  }

  /** Lets those go who are done, and others in. */
  serve(nowMs: number): void {
    for (const untilMs of this.#untilMs) if (untilMs <= nowMs) this.places.release();
    this.#untilMs = this.#untilMs.filter((untilMs) => untilMs > nowMs);
    while (this.places.take(nowMs)) this.#untilMs.push(nowMs + HOLD_MS);
  }

  async report(nowMs: number, want: number): Promise<void> {
    const { sequence, held, known, away, sinceMs } = this.places.report(nowMs, want);
    const figures = [this.#max, sequence, held, want, Number(known), Number(away), Math.min(sinceMs, 1e9), nowMs];
    const answer = (await own.redis.eval(TIMED, 1, KEY, this.#id, ...figures)) as number[];
    const [granted = 0, max = 0, others = 0, waiting = 0, instances = 0, rank = 0, closed] = answer;
    this.places.settle({ granted, max, others, waiting, instances, rank, closed: closed === 1 });
  }
}

async function live({ max, lastsMs, kept, members: fates }: Outage): Promise<{ most: number; late: number }> {
  await own.redis.flushall();
  const startMs = 1_000_000;
  const goneMs = startMs + BEFORE_MS;
  const backMs = goneMs + lastsMs;
  const members = fates.map((fate, index) => ({ ...fate, member: new Member(`m${index}`, max, fates.length) }));
  let most = 0;
  let late = 0;
  for (let nowMs = startMs; nowMs < backMs + AFTER_MS; nowMs += TICK_MS) {
    if (nowMs === goneMs && !kept) await own.redis.flushall();
    // Whoever dies does so with the outage: his requests end with him.
    const alive = members.filter(({ dies }) => !dies || nowMs < goneMs);
    for (const { member, backAfterMs } of alive) {
      const away = nowMs >= goneMs && nowMs < backMs + backAfterMs;
      if (away) member.places.part(nowMs);
      member.serve(nowMs);
      if (!away) await member.report(nowMs, nowMs >= goneMs - CALM_MS && nowMs < goneMs ? 0 : max);
      member.serve(nowMs);
      const inside = alive.reduce((sum, one) => sum + one.member.places.inUse, 0);
      most = Math.max(most, inside);
      // At one instant or other: a place that is handed on is nobody's for as long.
      if (nowMs >= backMs + LATE_MS) late = Math.max(late, inside);
    }
  }
  return { most, late };
}

const ticks = (most: number) => fc.nat({ max: most }).map((count) => count * TICK_MS);
/** One who hears nothing of a Redis that is back for longer than a lease is one who is cut off alone. */
const inCompany = ({ lastsMs, members }: Outage): boolean =>
  lastsMs > LANE_GAP_MS || members.every(({ backAfterMs }) => lastsMs + backAfterMs + 2 * TICK_MS < LANE_LEASE_MS);
const fate = (latestMs: number) => fc.record({ backAfterMs: ticks(latestMs / TICK_MS), dies: fc.boolean() });

it.each([
  ['kept', true, LANE_LEASE_MS - 1_000],
  // All have to be heard before it opens.
  ['lost', false, 400],
])(
  'property: no more are inside than there are places, and all in the end, where Redis %s what it knew',
  async (_, kept, latestMs) => {
    const outages = fc.record({
      max: fc.integer({ min: 1, max: 12 }),
      lastsMs: ticks(90).map((ms) => ms + 2 * TICK_MS),
      kept: fc.constant(kept),
      members: fc
        .array(fate(latestMs), { minLength: 2, maxLength: 5 })
        .filter((fates) => fates.some(({ dies }) => !dies)),
    });
    const outage = outages.filter(inCompany);
    await fc.assert(
      fc.asyncProperty(outage, async (given) => {
        const { most, late } = await live(given);
        expect(most).toBeLessThanOrEqual(given.max);
        expect(late).toBe(given.max);
      }),
      { numRuns: 60 },
    );
  },
  60_000,
);
