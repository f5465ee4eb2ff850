import { describe, expect, it } from 'vitest';
import type { PriorityRank } from '../../../src/core/priority.js';
import { Waiters } from '../../../src/pools/waiters.js';
import { VirtualClock } from './virtual-clock.js';

interface Desk {
  readonly clock: VirtualClock;
  readonly waiters: Waiters<number>;
  readonly log: string[];
  join(name: string, rank: PriorityRank, timeLeftMs?: number): void;
  serve(value: number): boolean;
}

function desk(): Desk {
  const clock = new VirtualClock();
  const waiters = new Waiters<number>(clock, () => new Error('late'));
  const log: string[] = [];
  return {
    clock,
    waiters,
    log,
    join: (name, rank, timeLeftMs = Number.POSITIVE_INFINITY) => {
      waiters.wait(rank, clock.nowMs() + timeLeftMs).then(
        (value) => log.push(`${name}:${value}`),
        (error: Error) => log.push(`${name}:${error.message}`),
      );
    },
    serve: (value) => waiters.serve(clock.nowMs(), () => value),
  };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('Waiters', () => {
  it('serves by class, then by age', async () => {
    const { waiters, log, join, serve } = desk();
    join('c', 2);
    join('d', 3);
    join('a', 0);
    join('e', 2);
    join('b', 1);
    expect(waiters.size).toBe(5);
    for (let value = 1; value <= 5; value += 1) expect(serve(value)).toBe(true);
    expect(serve(6)).toBe(false);
    await settled();
    expect(log).toEqual(['a:1', 'b:2', 'c:3', 'e:4', 'd:5']);
    expect(waiters.size).toBe(0);
  });

  it('refuses whose owners are named, wherever they stand, and serves the others', async () => {
    const { clock, waiters, log, join, serve } = desk();
    const owners = [{}, {}, {}];
    const refused = owners.map((owner, index) => waiters.wait(index === 1 ? 0 : 2, clock.nowMs() + 50, owner));
    join('other', 2);
    waiters.refuse(new Set(owners), () => new Error('given up'));
    for (const each of refused) await expect(each).rejects.toThrow('given up');
    expect(waiters.size).toBe(1);
    clock.advance(100);
    expect(serve(1)).toBe(true);
    await settled();
    expect(log).toEqual(['other:1']);
  });

  it('refuses each at its own deadline with one timer', async () => {
    const { clock, waiters, log, join } = desk();
    join('third', 0, 30);
    join('first', 3, 10);
    join('never', 1);
    join('second', 2, 20);
    expect(clock.armed).toBe(1);
    clock.advance(9.9);
    expect(waiters.size).toBe(4);
    clock.advance(0.1);
    expect(waiters.size).toBe(3);
    expect(clock.armed).toBe(1);
    clock.advance(15);
    expect(waiters.size).toBe(2);
    clock.advance(100);
    await settled();
    expect(log).toEqual(['first:late', 'second:late', 'third:late']);
    expect(waiters.size).toBe(1);
    expect(clock.armed).toBe(0);
  });

  it('passes over a borrower whose deadline has come, though its timer has not', async () => {
    const { clock, waiters, log, join } = desk();
    join('late', 0, 10);
    join('next', 0, 50);
    const nowMs = clock.nowMs() + 10;
    expect(waiters.serve(nowMs, () => 1)).toBe(true);
    await settled();
    expect(log).toEqual(['late:late', 'next:1']);
  });

  it('makes nothing to give when nobody can take it', () => {
    const { clock, waiters, join } = desk();
    join('late', 0, 10);
    let made = 0;
    const served = waiters.serve(clock.nowMs() + 10, () => {
      made += 1;
      return 1;
    });
    expect([served, made, waiters.size]).toEqual([false, 0, 0]);
  });

  it('refuses everybody when it is cleared', async () => {
    const { clock, waiters, log, join } = desk();
    join('a', 0, 10);
    join('b', 3);
    waiters.clear(() => new Error('closed'));
    await settled();
    expect(log).toEqual(['a:closed', 'b:closed']);
    expect([waiters.size, clock.armed]).toEqual([0, 0]);
  });

  it('agrees with a plain list under random traffic', async () => {
    const { clock, waiters, log, join, serve } = desk();
    let seed = 7;
    const random = (): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    let model: { name: string; rank: number; dueAtMs: number; age: number }[] = [];
    const expected: string[] = [];
    const expire = (): void => {
      const due = model.filter((each) => each.dueAtMs <= clock.nowMs()).sort((a, b) => a.dueAtMs - b.dueAtMs);
      for (const each of due) expected.push(`${each.name}:late`);
      model = model.filter((each) => each.dueAtMs > clock.nowMs());
    };
    for (let i = 0; i < 3_000; i += 1) {
      const dice = random();
      if (dice < 0.5) {
        const rank = Math.floor(random() * 4) as PriorityRank;
        const timeLeftMs = 1 + random() * 200;
        join(`w${i}`, rank, timeLeftMs);
        model.push({ name: `w${i}`, rank, dueAtMs: clock.nowMs() + timeLeftMs, age: i });
      } else if (dice < 0.8) {
        const [next] = [...model].sort((a, b) => a.rank - b.rank || a.age - b.age);
        expect(serve(i)).toBe(next !== undefined);
        if (next !== undefined) expected.push(`${next.name}:${i}`);
        model = model.filter((each) => each !== next);
      } else {
        clock.advance(random() * 20);
        expire();
      }
      expect(waiters.size).toBe(model.length);
    }
    await settled();
    expect(log).toEqual(expected);
  });
});
