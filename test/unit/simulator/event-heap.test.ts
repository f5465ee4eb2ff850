import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventHeap } from '../../../src/simulator/event-heap.js';

describe('EventHeap', () => {
  it('gives events by instant, and by order where instants are the same', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 })), (instants) => {
        const events = instants.map((atMs, order) => ({ atMs, order }));
        const heap = new EventHeap<{ atMs: number; order: number }>();
        for (const event of events) heap.add(event);
        const taken = Array.from(events, () => heap.take());
        expect(taken).toEqual(events.toSorted((one, other) => one.atMs - other.atMs || one.order - other.order));
        expect([heap.size, heap.take(), heap.nextMs]).toEqual([0, undefined, Number.POSITIVE_INFINITY]);
      }),
    );
  });

  it('keeps its order while events come and go', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.integer({ min: 0, max: 50 }), { nil: undefined })), (steps) => {
        const heap = new EventHeap<{ atMs: number; order: number }>();
        let model: { atMs: number; order: number }[] = [];
        for (const [order, atMs] of steps.entries()) {
          if (atMs === undefined) {
            model = model.toSorted((one, other) => one.atMs - other.atMs || one.order - other.order);
            expect(heap.take()).toEqual(model.shift());
          } else {
            heap.add({ atMs, order });
            model.push({ atMs, order });
          }
        }
        expect(heap.size).toBe(model.length);
      }),
    );
  });
});
