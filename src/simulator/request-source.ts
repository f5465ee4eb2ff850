import type { PriorityRank } from '../core/priority.js';
import type { Random } from './random.js';
import type { Stream } from './scenario.js';
import type { SimulatedRoute } from './simulated-route.js';

/** What one request is. */
export interface Drawn {
  readonly serviceMs: number;
  /** Time that its client gives it, from its arrival on; `Infinity` for that of the route. */
  readonly budgetMs: number;
  /** The class that its client asked for; counts only where it is lower than the route's. */
  readonly rank?: PriorityRank | undefined;
  /** Who competes inside its class. */
  readonly tenant: string | undefined;
  /** Whose bucket is charged. */
  readonly caller: string | undefined;
  readonly seats: number;
  /** Milliseconds since its arrival that passed before it asks: a body that had to come. */
  readonly onTheWayMs: number;
  /** Milliseconds after it asks at which the client goes away; `Infinity` when it does not. */
  readonly leavesAfterMs: number;
}

/** Where the requests of one route come from: the same for every policy that is tried on them. */
export interface RequestSource {
  /** What all of them have in common. */
  readonly stream: Stream;
  readonly route: SimulatedRoute;
  /** Its own numbers, so that retries leave those of the first attempts as they were. */
  readonly retryRandom: Random;
  /** Its own numbers too: holds of a lock are drawn in the order in which it is had, which depends on the policy. */
  readonly lockRandom: Random;
  /** When the next request asks; `Infinity` when none does. */
  nextArrivalMs(afterMs: number): number;
  /** The request whose time has come. */
  draw(): Drawn;
  /** Another attempt of its client. */
  drawAgain(tenant: string | undefined): Drawn;
}
