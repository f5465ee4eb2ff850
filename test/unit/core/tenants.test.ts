import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bulkhead } from '../../../src/core/bulkhead.js';
import { ClassLine } from '../../../src/core/class-line.js';
import { Ticket } from '../../../src/core/ticket.js';
import { fixedTimes, routeLoad } from '../../support/tickets.js';
import { HOLD_MS, TenantServer } from './tenant-server.js';

describe('tenants within a class', () => {
  it('are served in turn, however much one of them has queued', () => {
    const server = new TenantServer();
    server.introduce('a', 'b', 'greedy');
    server.come('greedy', 50);
    server.come('a', 3);
    server.come('b', 3);
    for (let n = 0; n < 10; n++) server.serve();
    expect(server.order.filter((tenant) => tenant !== 'greedy').toSorted()).toEqual(['a', 'a', 'a', 'b', 'b', 'b']);
  });

  it('pay for what was used, not for what was predicted', () => {
    const server = new TenantServer();
    server.introduce('slow', 'quick');
    server.come('slow', 200);
    server.come('quick', 200);
    for (let n = 0; n < 100; n++) server.serve(server.running === 'slow' ? 4 * HOLD_MS : HOLD_MS / 2);
    const [slow = 0, quick = 0] = ['slow', 'quick'].map((tenant) => server.usedMs.get(tenant));
    expect(Math.abs(slow - quick)).toBeLessThanOrEqual(4 * HOLD_MS + HOLD_MS);
  });

  it('without a name are one tenant together, also those that waited before the first name came', () => {
    const server = new TenantServer();
    server.come(undefined, 20);
    server.introduce();
    server.come('a', 1);
    while (server.serve() !== 'a');
    server.order.length = 0;
    server.come('a', 5);
    for (let n = 0; n < 10; n++) server.serve();
    expect(server.order.filter((tenant) => tenant === 'a')).toHaveLength(5);
    expect(server.order.slice(0, 6).filter((tenant) => tenant === '').length).toBeGreaterThanOrEqual(2);
  });

  it('that come back from idleness have neither credit nor debt', () => {
    const server = new TenantServer();
    server.introduce('a', 'b');
    server.come('a', 500);
    for (let n = 0; n < 100; n++) server.serve();
    server.order.length = 0;
    server.come('b', 100);
    for (let n = 0; n < 20; n++) server.serve();
    expect(server.order.filter((tenant) => tenant === 'b').length).toBeLessThanOrEqual(11);
  });

  it('share within one service of each other, whatever each of them takes', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 2, maxLength: 6 }), (holds) => {
        const server = new TenantServer();
        const names = holds.map((_, index) => `t${index}`);
        server.introduce(...names);
        for (const name of names) server.come(name, 400);
        server.serve();
        server.usedMs.clear();
        for (let n = 0; n < 300; n++) server.serve(holds[names.indexOf(server.running)] ?? HOLD_MS);
        const used = names.map((name) => server.usedMs.get(name) ?? 0);
        const slowest = Math.max(HOLD_MS, ...holds);
        expect(Math.max(...used) - Math.min(...used)).toBeLessThanOrEqual(2 * slowest);
      }),
      { numRuns: 50 },
    );
  });
});

describe('the predicted wait of a tenant', () => {
  it('counts what stands in its own line once for each tenant that takes turns with it, and never more than there is', () => {
    const server = new TenantServer();
    server.introduce('greedy', 'modest', 'third');
    server.come('greedy', 20);
    server.come('modest', 2);
    const wait = (tenant: string): number =>
      server.bulkhead.predictedWaitMs(server.nowMs, new Ticket('', server.route, 2, 0, 1e9, tenant));
    // Beside the seat itself, which is in use.
    const seatMs = HOLD_MS / 2;
    expect(wait('greedy')).toBe(22 * HOLD_MS + seatMs);
    expect(wait('modest')).toBe(2 * 2 * HOLD_MS + seatMs);
    expect(wait('third')).toBe(seatMs);
  });
});

describe('a queue of tenants that holds more work than it may', () => {
  const route = routeLoad({ deadlineMs: 2_000, times: fixedTimes(50) });
  // Of unknown length: however long it is held, the seat never seems to stand still.
  const running = routeLoad({ times: fixedTimes(0) });
  const ticket = (tenant: string, nowMs: number): Ticket<string> =>
    new Ticket<string>(tenant, route, 2, nowMs, nowMs + 2_000, tenant);

  /** A seat that is in use, and tenants that are known. Three tickets of 50 ms fill the queue. */
  function filled(...tenants: string[]): Bulkhead<string> {
    const bulkhead = new Bulkhead<string>({ seats: 1, servesTopClass: false });
    for (const tenant of tenants) {
      const first = ticket(tenant, 0);
      bulkhead.arrive(0, first);
      bulkhead.release(0, first);
    }
    bulkhead.arrive(0, new Ticket('running', running, 2, 0, 2_000, 'running'));
    return bulkhead;
  }

  const evicted = (bulkhead: Bulkhead<string>, nowMs: number): string[] => {
    const owners: string[] = [];
    for (let one = bulkhead.next(nowMs); one !== undefined; one = bulkhead.next(nowMs)) owners.push(one.owner);
    return owners;
  };

  it('is cleared of those of the tenant with most of it', () => {
    const bulkhead = filled('greedy', 'modest', 'third', 'fourth');
    for (let n = 0; n < 4; n++) expect(bulkhead.arrive(0, ticket('greedy', 0))).toBe('queued');
    expect(bulkhead.arrive(1, ticket('greedy', 1))).toMatchObject({ code: 'queue_full' });
    // Less than its share is queued of it, so it is not too long for this one.
    for (const tenant of ['third', 'fourth', 'modest', 'modest', 'modest']) {
      expect(bulkhead.arrive(2, ticket(tenant, 2))).toBe('queued');
    }
    const owners = evicted(bulkhead, 2);
    expect(owners.length).toBeGreaterThan(0);
    expect(new Set(owners)).toEqual(new Set(['greedy']));
  });

  it('spares them all where none has much more than its part', () => {
    const bulkhead = filled('a', 'b', 'c');
    for (const tenant of ['a', 'b', 'c', 'a', 'b', 'c', 'a']) {
      expect(bulkhead.arrive(0, ticket(tenant, 0))).toBe('queued');
    }
    expect(evicted(bulkhead, 0)).toEqual([]);
  });

  it.each([
    { afterMs: 1_000, owners: ['greedy'] },
    { afterMs: 1_001, owners: [] },
  ])('spares nobody of whom something was shed less than a second ago: $afterMs ms', ({ afterMs, owners }) => {
    const bulkhead = filled('greedy', 'b', 'c', 'd');
    const come = (nowMs: number, ...tenants: string[]): void => {
      for (const tenant of tenants) bulkhead.arrive(nowMs, ticket(tenant, nowMs));
    };
    come(0, 'greedy', 'greedy', 'greedy', 'greedy', 'b', 'd', 'c', 'c', 'c');
    expect(new Set(evicted(bulkhead, 0))).toEqual(new Set(['greedy']));
    for (let one = bulkhead.anyQueued(); one !== undefined; one = bulkhead.anyQueued()) bulkhead.withdraw(1, one);
    come(afterMs, 'greedy', 'greedy', 'greedy', 'b', 'd', 'c', 'c', 'c');
    expect([...new Set(evicted(bulkhead, afterMs))]).toEqual(owners);
  });

  it('is cleared of the tenant that was served most, where they have as much queued', () => {
    const line = new ClassLine<string>({ mayOvertake: () => true, bounded: false, maxTenants: 10 });
    for (const tenant of ['a', 'served', 'b', 'a', 'served', 'b']) line.serve(0, ticket(tenant, 0), 50);
    line.serve(0, ticket('served', 0), 50);
    for (const tenant of ['a', 'served', 'b']) line.add(ticket(tenant, 0));
    expect(line.heaviest().key).toBe('served');
  });
});
