import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClassQueue, type Queueable } from '../../../src/core/class-queue.js';
import { PRIORITY_RANKS, type PriorityRank } from '../../../src/core/priority.js';

interface Item extends Queueable<Item> {
  readonly id: number;
}

function item(id: number, rank: PriorityRank): Item {
  return { id, rank, older: undefined, newer: undefined, inLine: false };
}

const rank = fc.constantFrom<PriorityRank>(0, 1, 2, 3);
const command = fc.oneof(
  fc.record({ do: fc.constant('put' as const), rank }),
  fc.record({ do: fc.constant('putFirst' as const), rank }),
  fc.record({ do: fc.constant('oldest' as const), rank }),
  fc.record({ do: fc.constant('newest' as const), rank }),
  fc.record({ do: fc.constant('remove' as const), pick: fc.nat() }),
);

describe('ClassQueue', () => {
  it('behaves like four arrays, whatever is put, taken and removed', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
        const queue = new ClassQueue<Item>();
        const model: Item[][] = [[], [], [], []];
        let id = 0;
        for (const step of commands) {
          if (step.do === 'remove') {
            const all = model.flat();
            const victim = all[step.pick % Math.max(1, all.length)];
            if (victim === undefined) continue;
            expect(queue.remove(victim)).toBe(true);
            expect(queue.remove(victim)).toBe(false);
            const line = model[victim.rank] ?? [];
            line.splice(line.indexOf(victim), 1);
          } else {
            const line = model[step.rank] ?? [];
            const fresh = item(id++, step.rank);
            if (step.do === 'put') {
              queue.put(fresh);
              line.push(fresh);
            } else if (step.do === 'putFirst') {
              queue.putFirst(fresh);
              line.unshift(fresh);
            } else {
              const taken = step.do === 'oldest' ? queue.oldest(step.rank) : queue.newest(step.rank);
              expect(taken).toBe(step.do === 'oldest' ? line[0] : line.at(-1));
              if (taken !== undefined) queue.remove(taken);
              if (step.do === 'oldest') line.shift();
              else line.pop();
            }
          }
          for (const r of PRIORITY_RANKS) {
            expect(queue.count(r)).toBe(model[r]?.length);
            expect(queue.oldest(r)?.id).toBe(model[r]?.[0]?.id);
            expect(queue.newest(r)?.id).toBe(model[r]?.at(-1)?.id);
          }
          expect(queue.size).toBe(model.flat().length);
        }
      }),
    );
  });

  it('refuses an item that stands in a line already', () => {
    const queue = new ClassQueue<Item>();
    const one = item(1, 2);
    queue.put(one);
    expect(() => queue.put(one)).toThrow('already');
    expect(queue.size).toBe(1);
  });
});
