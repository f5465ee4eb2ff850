import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { TOKEN_LEASE_MS, type TokenReport } from '../../../src/core/token-report.js';
import { TOKEN_SCRIPT } from '../../../src/fleet/token-script.js';
import { TokenLedger } from '../../support/token-ledger.js';
import { ownRedis } from './own-redis.js';

// The script on a real Redis, beside the model that the tests in virtual time rely on.

const own = ownRedis();

beforeEach(() => own.redis.flushall());

/** So slow that nothing refills while a test runs. */
const STILL = 0.0001;

interface Told {
  readonly granted: number;
  readonly level: number;
  readonly rate: number;
  readonly burst: number;
  readonly others: number;
}

async function tell(
  id: string,
  report: TokenReport,
  rate: number,
  burst: number,
  leaseMs = TOKEN_LEASE_MS,
): Promise<Told> {
  const { sequence, spent, acknowledged, held, want, known, away, sinceMs } = report;
  const figures = [sequence, spent, acknowledged, held, want, Number(known), Number(away), sinceMs];
  const args = [id, rate, burst, leaseMs, ...figures];
  const answer = (await own.redis.eval(TOKEN_SCRIPT, 1, 'bucket', ...args)) as string[];
  const [granted = Number.NaN, level = Number.NaN, least = Number.NaN, most = Number.NaN, others = Number.NaN] =
    answer.map(Number);
  return { granted, level, rate: least, burst: most, others };
}

const first: TokenReport = {
  sequence: 1,
  spent: 0,
  acknowledged: 0,
  held: 0,
  want: 0,
  known: false,
  away: false,
  sinceMs: 1e9,
};

describe('the script of the ledger', () => {
  const report = fc.record({
    who: fc.nat({ max: 2 }),
    spends: fc.nat({ max: 12 }),
    want: fc.nat({ max: 20 }),
    returns: fc.boolean(),
    lost: fc.boolean(),
    late: fc.boolean(),
    known: fc.boolean(),
    away: fc.boolean(),
    sinceMs: fc.constantFrom(10, 5_000),
  });

  it('property: does what the model does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(4, 20, 50), fc.array(report, { maxLength: 25 }), async (burst, reports) => {
        await own.redis.flushall();
        const ledger = new TokenLedger(STILL, burst);
        const state = [0, 1, 2].map(() => ({ sequence: 0, spent: 0, acknowledged: 0, held: 0 }));
        for (const { who, spends, want, returns, lost, late, known, away, sinceMs } of reports) {
          const mine = state[who];
          if (mine === undefined) throw new Error('three processes');
          mine.spent += spends;
          mine.held = returns ? 0 : Math.max(0, mine.held - spends);
          mine.sequence += late ? 0 : 1;
          const told: TokenReport = { ...mine, want, known, away, sinceMs };
          const expected = ledger.tell(0, `p${who}`, told);
          const found = await tell(`p${who}`, told, STILL, burst);
          expect(found.granted).toBe(expected.granted);
          expect(found.level).toBeCloseTo(expected.level, 2);
          expect(found.others).toBeCloseTo(expected.others, 2);
          if (lost) continue;
          mine.acknowledged = mine.spent;
          mine.held += found.granted;
        }
      }),
      { numRuns: 60 },
    );
  });

  it("refills by the server's time, up to what is not prepaid", async () => {
    expect((await tell('a', { ...first, want: 100 }, 1_000, 100)).granted).toBe(100);
    await expect.poll(async () => (await tell('b', { ...first, sequence: Date.now() }, 1_000, 100)).level).toBe(0);
    const given = await tell('a', { ...first, sequence: 2, held: 0, want: 0 }, 1_000, 100);
    expect(given.level).toBe(100);
  });

  it('takes what a process held who is not heard of any more for lost', async () => {
    expect((await tell('a', { ...first, want: 60 }, STILL, 100, 1)).level).toBe(40);
    // While it was held, it counted against the capacity; now that can refill again.
    await expect.poll(async () => (await own.redis.hgetall('bucket'))['i:a']).toBeDefined();
    await expect
      .poll(async () => {
        await tell('b', { ...first, sequence: Date.now() }, 100_000, 100);
        return (await tell('b', { ...first, sequence: Date.now() + 1 }, 100_000, 100)).level;
      })
      .toBe(100);
    expect(await own.redis.hgetall('bucket')).not.toHaveProperty('i:a');
  });

  it('is refused by a Redis without memory, whoever has to be forgotten, and changes nothing', async () => {
    await tell('b', { ...first, want: 10 }, STILL, 100);
    // Its lease ended long ago.
    await own.redis.hset('bucket', 'i:a', `60 0 1 1 ${STILL} 100`);
    const before = await own.redis.hgetall('bucket');
    await own.redis.config('SET', 'maxmemory', '1');
    try {
      for (let sequence = 2; sequence < 5; sequence += 1) {
        await expect(tell('b', { ...first, sequence, want: 10 }, STILL, 100)).rejects.toThrow(/OOM/);
      }
      expect(await own.redis.hgetall('bucket')).toEqual(before);
    } finally {
      await own.redis.config('SET', 'maxmemory', '0');
    }
  });

  it('lets the stricter of two configurations hold while both live', async () => {
    await tell('a', { ...first, want: 1 }, 10, 50, 200);
    expect(await tell('b', first, 20, 40)).toMatchObject({ rate: 10, burst: 40 });
    await expect
      .poll(async () => (await tell('b', { ...first, sequence: Date.now() }, 20, 40)).rate, { timeout: 5_000 })
      .toBe(20);
  });

  it('forgets a bucket that has been full again for long', async () => {
    await tell('a', { ...first, want: 1 }, 10, 50);
    expect(await own.redis.pttl('bucket')).toBeGreaterThan(TOKEN_LEASE_MS + 5_000);
    expect(await own.redis.pttl('bucket')).toBeLessThanOrEqual(2 * (TOKEN_LEASE_MS + 5_000));
  });

  it('bears any bytes in a name', async () => {
    const name = 'a}{\r\n* 0 \u0000é';
    expect(await own.redis.eval(TOKEN_SCRIPT, 1, `x{${name}}`, 'p', 10, 50, 5_000, 1, 0, 0, 0, 5, 0, 0)).toEqual([
      '5',
      '45.000000',
      '10',
      '50',
      '0.000000',
      '0',
    ]);
  });

  it('keeps nobody for longer than the lease, also where its clock was set back since', async () => {
    await tell('a', { ...first, want: 60 }, STILL, 100);
    const written = (await own.redis.hgetall('bucket'))['i:a']?.split(' ') ?? [];
    const until = Number(written[3]);
    await own.redis.hset('bucket', 'i:a', written.with(3, `${until + 3_600_000}`).join(' '));
    expect((await tell('b', first, STILL, 100)).others).toBe(60);
    const left = Number((await own.redis.hgetall('bucket'))['i:a']?.split(' ')[3]) - until;
    expect(left).toBeGreaterThanOrEqual(0);
    expect(left).toBeLessThan(60_000);
  });

  it.each(['0 0 1 9e15 0 0', '0 0 1 9e15 -1 -1', '0 0 1 9e15 10 0', '-5 0 1 9e15 10 50', '900 0 1 9e15 10 50'])(
    'takes no notice of a row that nobody can have written, and says so: %s',
    async (row) => {
      await own.redis.hset('bucket', 'i:x', row);
      const say = (sequence: number) =>
        own.redis.eval(TOKEN_SCRIPT, 1, 'bucket', 'p', 10, 50, 5_000, sequence, 0, 0, 0, 5, 0, 0, 0);
      expect(await say(1)).toEqual(['5', '45.000000', '10', '50', '0.000000', '1']);
      expect(await own.redis.hexists('bucket', 'i:x')).toBe(0);
    },
  );

  it.each<[string, () => Promise<unknown>]>([
    ['a string', () => own.redis.set('bucket', 'mine')],
    ['a list', () => own.redis.rpush('bucket', 'mine')],
  ])('puts a ledger in the place of %s, and says so once', async (_, poison) => {
    await poison();
    const answers = [];
    for (const sequence of [1, 2]) {
      answers.push(await own.redis.eval(TOKEN_SCRIPT, 1, 'bucket', 'p', 10, 50, 5_000, sequence, 0, 0, 0, 0, 0, 0, 0));
    }
    expect(answers.map((answer) => (answer as string[])[5])).toEqual(['1', '0']);
  });

  it.each([
    ['an entry of one who lives', { 'i:a': 'x y z' }, 40],
    ['an entry that is too short', { 'i:b': '1 2 3' }, 40],
    ['the level', { level: 'nan' }, 100],
    ['the time', { at: 'noon' }, 40],
    ['a field of nobody', { colour: 'red' }, 40],
  ])('goes on where %s cannot be read', async (_, garbage, level) => {
    await tell('b', { ...first, spent: 60, want: 0 }, STILL, 100);
    await own.redis.hset('bucket', garbage as Record<string, string>);
    const told = { ...first, sequence: 2, spent: 60, acknowledged: 60 };
    expect((await tell('b', told, STILL, 100)).level).toBeCloseTo(level, 2);
    expect((await tell('b', { ...told, sequence: 3 }, STILL, 100)).level).toBeCloseTo(level, 2);
    expect(Object.keys(await own.redis.hgetall('bucket')).toSorted()).toEqual(['at', 'i:b', 'level']);
  });
});
