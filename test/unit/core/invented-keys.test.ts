import { describe, expect, it } from 'vitest';
import { type Arrival, Bulkhead } from '../../../src/core/bulkhead.js';
import { Ticket } from '../../../src/core/ticket.js';
import { fixedTimes, routeLoad } from '../../support/tickets.js';
import { TenantServer } from './tenant-server.js';

describe('a flood of invented keys', () => {
  it('has one share together: those who are known keep theirs', () => {
    const server = new TenantServer();
    server.introduce('a', 'b');
    let invented = 0;
    for (let n = 0; n < 300; n++) {
      for (let key = 0; key < 5; key++) server.come(`invented${invented++}`);
      if (n % 3 === 0) {
        server.come('a');
        server.come('b');
      }
      server.serve();
    }
    const known = server.order.filter((tenant) => tenant === 'a' || tenant === 'b').length;
    // They ask for two thirds of the seat and are owed as much.
    expect(known).toBeGreaterThanOrEqual(198);
  });

  it('does not keep a newcomer out that comes again: those have a share beside it', () => {
    const server = new TenantServer();
    server.come('first');
    for (let n = 0; n < 200; n++) server.come(`invented${n}`);
    server.come('honest');
    server.come('honest');
    expect([server.serve(), server.serve()]).toEqual(['first', 'honest']);
  });

  it.each(['preflight', 'arrive'] as const)('counts who was turned away by %s as one that came', (stage) => {
    const route = routeLoad({ times: fixedTimes(50) });
    const ticket = (tenant: string): Ticket => new Ticket<unknown>(undefined, route, 2, 0, 500, tenant);
    const bulkhead = new Bulkhead({ seats: 1, servesTopClass: false });
    for (let n = 0; n < 5; n++) bulkhead.arrive(0, ticket(`invented${n}`));
    expect(bulkhead[stage](0, ticket('honest'))).toMatchObject({ code: 'queue_full' });
    expect(bulkhead.arrive(0, ticket('other'))).toMatchObject({ code: 'queue_full' });
    expect(bulkhead.arrive(0, ticket('honest'))).toBe('queued');
  });

  it('is not what the next request of a tenant is judged by that was served', () => {
    const route = routeLoad({ times: fixedTimes(50) });
    const bulkhead = new Bulkhead<string>({ seats: 1, servesTopClass: false });
    const come = (tenant: string): Arrival => bulkhead.arrive(0, new Ticket(tenant, route, 2, 0, 500, tenant));
    const served = new Ticket('served', route, 2, 0, 500, 'served');
    bulkhead.arrive(0, served);
    bulkhead.release(0, served);
    // Both common accounts are full: that of who comes for the first time, and that of who comes again unserved.
    for (let n = 0; n < 10; n++) come(`invented${n}`);
    for (let n = 0; n < 10; n++) come(`invented${n}`);
    expect([come('newcomer'), come('invented9')]).not.toContain('queued');
    expect(come('served')).toBe('queued');
  });

  it('costs bounded memory, and drives no account out that is in use', () => {
    const server = new TenantServer(10);
    server.introduce('a');
    server.come('a', 400);
    for (let n = 0; n < 300; n++) {
      // Each of them comes twice, and would be known the second time.
      server.come(`invented${n % 100}`);
      server.serve();
      expect(server.bulkhead.tenantsOf(2)).toBeLessThanOrEqual(10);
      // Accounts, twice as many names of those that were served, and eight times as many of those that were not.
      expect(server.bulkhead.tenantEntries).toBeLessThanOrEqual(10 + 20 + 80);
    }
    const ofA = server.order.slice(-40).filter((tenant) => tenant === 'a').length;
    expect(ofA).toBeGreaterThan(0);
  });

  it('leaves nothing behind after ten quiet minutes but the latest', () => {
    const server = new TenantServer();
    server.introduce(...Array.from({ length: 50 }, (_, n) => `t${n}`));
    expect(server.bulkhead.tenantEntries).toBe(50);
    server.nowMs += 600_000;
    server.introduce('late');
    expect(server.bulkhead.tenantEntries).toBe(1);
  });
});
