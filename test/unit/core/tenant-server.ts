import { Bulkhead } from '../../../src/core/bulkhead.js';
import { type RouteLoad, Ticket } from '../../../src/core/ticket.js';
import { fixedTimes, routeLoad } from '../../support/tickets.js';

/** What a request of these tests is predicted to take. */
export const HOLD_MS = 10;

/** One seat that serves queued tickets one after the other, each for what its tenant takes; who was served for how long. */
export class TenantServer {
  readonly bulkhead: Bulkhead<string>;
  readonly usedMs: Map<string, number> = new Map();
  readonly order: string[] = [];
  readonly route: RouteLoad = routeLoad({ deadlineMs: 1e9, maxQueued: 1e6, times: fixedTimes(HOLD_MS) });
  nowMs = 0;
  #running: Ticket<string>;

  constructor(maxTenants?: number) {
    const discipline = { eviction: false, feasibility: false, lifo: false };
    const bound = maxTenants === undefined ? {} : { maxTenants };
    this.bulkhead = new Bulkhead({ seats: 1, servesTopClass: false, discipline, ...bound });
    this.#running = this.#ticket(undefined);
    this.bulkhead.arrive(0, this.#running);
  }

  #ticket(tenant: string | undefined): Ticket<string> {
    return new Ticket(tenant ?? '', this.route, 2, this.nowMs, this.nowMs + 1e9, tenant);
  }

  come(tenant: string | undefined, count: number = 1): void {
    for (let n = 0; n < count; n++) this.bulkhead.arrive(this.nowMs, this.#ticket(tenant));
  }

  /** Ends the running ticket, which took so long, and starts the next. */
  serve(tookMs: number = HOLD_MS): string | undefined {
    this.nowMs += tookMs;
    this.bulkhead.release(this.nowMs, this.#running);
    const { owner } = this.#running;
    this.usedMs.set(owner, (this.usedMs.get(owner) ?? 0) + tookMs);
    const next = this.bulkhead.next(this.nowMs);
    if (next === undefined) return undefined;
    this.#running = next;
    this.order.push(next.owner);
    return next.owner;
  }

  get running(): string {
    return this.#running.owner;
  }

  /** Makes tenants known: each was served once before. */
  introduce(...tenants: string[]): void {
    for (const tenant of tenants) this.come(tenant);
    for (const _ of tenants) this.serve();
    this.order.length = 0;
    this.usedMs.clear();
  }
}
