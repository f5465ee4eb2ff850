import type { Deadline, DeadlineTimer } from '../admission/deadline-timer.js';
import type { Outage } from '../core/outage.js';
import type { AcquireRequest } from '../pools/contract.js';

/**
 * Requests that have their seats and wait for a connection of one pool. They are told when an outage is given up, as
 * those in the queue are: else they would keep their seats for a server that is away until their deadlines.
 */
export class ConnectionWaits implements Deadline {
  dueAtMs = 0;
  heapIndex = -1;
  readonly #outage: Outage;
  readonly #timer: DeadlineTimer;
  readonly #giveUp: (requests: ReadonlySet<AcquireRequest>) => void;
  readonly #requests = new Set<AcquireRequest>();

  /** @param giveUp - Refuses those that still wait. */
  constructor(outage: Outage, timer: DeadlineTimer, giveUp: (requests: ReadonlySet<AcquireRequest>) => void) {
    this.#outage = outage;
    this.#timer = timer;
    this.#giveUp = giveUp;
  }

  /** The request waits until it has its answer. */
  async during<T>(request: AcquireRequest, answer: Promise<T>): Promise<T> {
    this.#requests.add(request);
    try {
      return await answer;
    } finally {
      this.#requests.delete(request);
    }
  }

  /** Whether nobody waits any more for the end of the present outage. */
  givenUp(nowMs: number): boolean {
    const { connectionsGivenUpAtMs } = this.#outage;
    return connectionsGivenUpAtMs !== undefined && nowMs >= connectionsGivenUpAtMs;
  }

  /** The outage has begun. */
  down(nowMs: number): void {
    const { connectionsGivenUpAtMs } = this.#outage;
    if (connectionsGivenUpAtMs !== undefined) this.#timer.set(this, connectionsGivenUpAtMs, nowMs);
  }

  /** The server answers again. */
  up(): void {
    this.#timer.clear(this);
  }

  onDue(): void {
    this.#giveUp(this.#requests);
  }
}
