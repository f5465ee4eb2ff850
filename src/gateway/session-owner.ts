import type { PriorityRank } from '../core/priority.js';
import type { Ticket } from '../core/ticket.js';
import type { RequestWatch } from '../telemetry/request-watch.js';
import type { RouteRuntime } from './route-runtime.js';
import type { Shadow } from './shadow.js';

/** Whose database work this is. */
export interface SessionOwner {
  readonly route: RouteRuntime;
  readonly ticket: Ticket;
  /** The class in which connections are waited for. */
  readonly rank: PriorityRank;
  /** Until when statements may run; `Infinity` sets no bound. */
  readonly deadlineAtMs: number;
  /** Whether it is given up with an outage, as in the mode that refuses. */
  readonly endsWithOutage: boolean;
  /** In mode `observe`: what would happen to it otherwise. */
  readonly shadow: Shadow | undefined;
  /** Told of what is borrowed and done, where somebody listens. */
  readonly watch: RequestWatch | undefined;
  /** Where it gave its seat up while its client reads: resolves when it has one again. `undefined` where it has its own. */
  seatAgain(): Promise<void> | undefined;
  /** Every connection of the request is back. */
  onIdle(): void;
}
