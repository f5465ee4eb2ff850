import { Ticket } from '../core/ticket.js';
import type { Drawn, RequestSource } from './request-source.js';
import type { SimulatedRoute } from './simulated-route.js';

/** How a call ended. `late`: the answer came, or the work was cut short, after the deadline. */
export type Ending = 'good' | 'late' | 'shed' | 'left' | 'lost';

/** One attempt of one client to be served. */
export class Call {
  readonly source: RequestSource;
  readonly route: SimulatedRoute;
  readonly ticket: Ticket<Call>;
  /** Who competes inside its class. */
  readonly tenant: string | undefined;
  /** Whose bucket is charged. */
  readonly caller: string | undefined;
  /** What it would take alone, in milliseconds, as drawn. */
  readonly serviceMs: number;
  /** Seats that it asks for, of those that there are; once it has some, those that it holds. */
  seats: number;
  /** 1 for the first. */
  readonly attempt: number;
  readonly arrivedAtMs: number;
  wasQueued = false;
  /** Tokens were taken and may have to be given back. */
  charged = false;
  /** The answer has begun: the deadline is met. */
  streams = false;
  ended = false;

  /** @param seenFromMs - The arrival as the gateway can know it, which a long block of the event loop hides. */
  constructor(
    source: RequestSource,
    drawn: Drawn,
    attempt: number,
    arrivedAtMs: number,
    seenFromMs: number,
    deadlineAtMs: number,
  ) {
    this.source = source;
    this.route = source.route;
    this.tenant = drawn.tenant;
    this.caller = drawn.caller;
    this.serviceMs = drawn.serviceMs;
    this.seats = Math.min(drawn.seats, Math.max(1, this.route.pool?.settings.seats ?? drawn.seats));
    this.attempt = attempt;
    this.arrivedAtMs = arrivedAtMs;
    const rank = drawn.rank !== undefined && drawn.rank > this.route.rank ? drawn.rank : this.route.rank;
    this.ticket = new Ticket<Call>(this, this.route, rank, seenFromMs, deadlineAtMs, this.tenant, drawn.seats);
  }
}
