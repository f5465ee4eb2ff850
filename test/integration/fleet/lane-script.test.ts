import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LANE_LEASE_MS, LANE_SCRIPT } from '../../../src/fleet/lane-script.js';
import { ownRedis } from './own-redis.js';

// The script on a real Redis. Time that passes is what the entries of the ledger are older by.

const MAX = 10;
const LEDGER = 'lane';

const own = ownRedis();

beforeEach(() => own.redis.flushall());
afterEach(() => own.redis.config('SET', 'maxmemory', '0'));

interface Said {
  readonly held?: number;
  readonly want?: number;
  readonly known?: boolean;
  readonly away?: boolean;
}

const sequences = new Map<string, number>();

async function tell(id: string, { held = 0, want = 0, known = true, away = false }: Said) {
  const sequence = (sequences.get(id) ?? 0) + 1;
  sequences.set(id, sequence);
  const args = [id, MAX, sequence, held, want, Number(known), Number(away), 350];
  const answer = (await own.redis.eval(LANE_SCRIPT, 1, LEDGER, ...args)) as number[];
  const [granted = Number.NaN, , others, , instances, , closed] = answer;
  return { granted, others, instances, closed: closed === 1 };
}

/** They tell the ledger for the first time. */
async function join(...ids: string[]): Promise<void> {
  for (const id of ids) await tell(id, { known: false });
}

/** All that the ledger knows was so much longer ago, of everybody or of those who are named. */
async function pass(ms: number, ...ids: string[]): Promise<void> {
  for (const [name, text] of Object.entries(await own.redis.hgetall(LEDGER))) {
    if (ids.length > 0 && !ids.some((id) => name === `i:${id}`)) continue;
    const figures = text.split(' ').map(Number);
    const instants = name === 'closed' ? [0] : [2, 3, 7, 8];
    const older = figures.map((figure, place) => (instants.includes(place) && figure > ms ? figure - ms : figure));
    await own.redis.hset(LEDGER, name, older.join(' '));
  }
}

const known = async (): Promise<string[]> =>
  (await own.redis.hkeys(LEDGER)).filter((name) => name !== 'closed').toSorted();

describe('who comes first to a Redis that nobody could reach', () => {
  const AWAY = { held: 5, want: 5, away: true };

  it.each([LANE_LEASE_MS + 2_000, 50_000])(
    'has no place of one who may be on his way back, after %i ms',
    async (ms) => {
      await join('a', 'b');
      await pass(ms);
      expect(await tell('a', AWAY)).toEqual({ granted: 0, others: 5, instances: 2, closed: true });
      await pass(650);
      expect(await tell('a', AWAY)).toEqual({ granted: 0, others: 5, instances: 2, closed: false });
      // It has come back, and holds less: the rest is whose turn it is.
      expect(await tell('b', { held: 2, away: true })).toMatchObject({ granted: 0, others: 5, instances: 2 });
      expect(await tell('b', { held: 2 })).toMatchObject({ granted: 0, others: 5 });
      expect(await tell('a', AWAY)).toEqual({ granted: 3, others: 2, instances: 2, closed: false });
    },
  );

  it('has them once his lease is over since then', async () => {
    await join('a', 'b', 'c');
    await pass(20_000);
    await tell('a', AWAY);
    // They hear of each other, and not of the third.
    for (let past = 0; past + 500 < LANE_LEASE_MS; past += 500) {
      await pass(500);
      await tell('a', AWAY);
      expect(await tell('b', { held: 3 })).toMatchObject({ instances: 3 });
    }
    await pass(500);
    expect(await tell('b', { held: 3 })).toMatchObject({ instances: 2, others: 5 });
    expect(await known()).toEqual(['i:a', 'i:b']);
  });

  it('has no place of one who was not heard since, however short it was', async () => {
    await join('a', 'b');
    await pass(200);
    expect(await tell('a', AWAY)).toEqual({ granted: 0, others: 5, instances: 2, closed: false });
    expect(await tell('a', { held: 5, want: 5 })).toMatchObject({ granted: 0, others: 5 });
    await tell('b', { held: 1 });
    expect(await tell('a', { held: 5, want: 5 })).toMatchObject({ granted: 4, others: 1 });
  });

  it('is any newcomer, too, and knows of nobody whether he is dead', async () => {
    await join('a', 'b');
    await pass(LANE_LEASE_MS + 2_000);
    expect(await tell('new', { want: 10, known: false })).toMatchObject({ granted: 2, others: 8, instances: 3 });
  });
});

it('who is silent while others are heard has lost his places when his lease is over, and not before', async () => {
  await join('a', 'b');
  expect(await tell('b', { want: 10 })).toMatchObject({ granted: 10 });
  await pass(LANE_LEASE_MS - 500, 'b');
  expect(await tell('a', { want: 10 })).toMatchObject({ granted: 0, others: 10, instances: 2 });
  await pass(500, 'b');
  expect(await tell('a', { want: 10 })).toMatchObject({ granted: 10, others: 0, instances: 1 });
});

it('an instant that is to come, as of a clock that was set back, keeps nobody alive', async () => {
  const ahead = Date.now() + 3_600_000;
  await own.redis.hset(LEDGER, 'i:ghost', `5 0 ${ahead} ${ahead} ${MAX} 1 0 ${ahead} ${ahead}`, 'closed', ahead);
  expect(await tell('a', { want: 10, known: false })).toMatchObject({ granted: 5, others: 5 });
  await pass(LANE_LEASE_MS, 'ghost');
  expect(await tell('a', { held: 5, want: 5 })).toMatchObject({ granted: 5, others: 0, instances: 1 });
});

it('a Redis without memory forgets nobody, however long: it refuses what is told', async () => {
  await join('a', 'b');
  await pass(LANE_LEASE_MS, 'b');
  await own.redis.config('SET', 'maxmemory', '1');
  for (let count = 0; count < 3; count += 1) await expect(tell('a', { want: 10 })).rejects.toThrow(/OOM/);
  expect(await known()).toEqual(['i:a', 'i:b']);
});
