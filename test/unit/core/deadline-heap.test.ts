import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeadlineHeap, type Due } from '../../../src/core/deadline-heap.js';

const entry = (): Due => ({ dueAtMs: 0, heapIndex: -1 });

describe('DeadlineHeap', () => {
  it('gives entries in the order of their instants, whatever was moved and removed', () => {
    const step = fc.record({ pick: fc.nat(30), at: fc.integer({ min: 0, max: 50 }), remove: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const heap = new DeadlineHeap<Due>();
        const entries = Array.from({ length: 31 }, entry);
        const model = new Map<Due, number>();
        for (const { pick, at, remove } of steps) {
          const one = entries[pick];
          if (one === undefined) continue;
          if (remove) {
            expect(heap.remove(one)).toBe(model.delete(one));
          } else {
            heap.set(one, at);
            model.set(one, at);
          }
          expect(heap.size).toBe(model.size);
          expect(heap.first()?.dueAtMs).toBe(model.size === 0 ? undefined : Math.min(...model.values()));
        }
        const drained: number[] = [];
        for (let first = heap.first(); first !== undefined; first = heap.first()) {
          drained.push(first.dueAtMs);
          heap.remove(first);
          expect(first.heapIndex).toBe(-1);
        }
        expect(drained).toEqual([...model.values()].sort((a, b) => a - b));
      }),
    );
  });
});
