import type { Clock } from '../clock.js';
import type { Outcome } from '../errors.js';
import { DatabaseSession } from './database-session.js';
import type { SessionOwner } from './loans.js';
import type { PoolRuntime } from './pool-runtime.js';
import { reclaim, reclaimAtMs } from './reclaim.js';

/** What a handler has running: its database work, and whatever listens to its signal. Both are stopped together. */
export class HandlerWork {
  #session: DatabaseSession | undefined;
  #controller: AbortController | undefined;
  #stoppedBy: Error | undefined;

  /** Why the work was cut short; `undefined` while it goes on. */
  get stoppedBy(): Error | undefined {
    return this.#stoppedBy;
  }

  /** Made when first asked for: an AbortController costs microseconds, and most handlers ask for none. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#stoppedBy !== undefined) this.#controller.abort(this.#stoppedBy);
    return this.#controller.signal;
  }

  /** The database work; there is none before it is first asked for. */
  session(pool: PoolRuntime, owner: SessionOwner, clock: Clock): DatabaseSession {
    this.#session ??= new DatabaseSession(pool, owner, clock);
    return this.#session;
  }

  /** True while no connection is borrowed or asked for. */
  get idle(): boolean {
    return this.#session === undefined || this.#session.idle;
  }

  /** True while a COMMIT is on its way: nothing may be stopped now. */
  get committing(): boolean {
    return this.#session?.committing === true;
  }

  /** What may be told about the database work so far. */
  get outcome(): Outcome {
    return this.#session?.outcome ?? 'not_started';
  }

  /**
   * What the handler was seen to do when its deadline passed, where that was nothing: it is stuck, or has forgotten to
   * answer. `undefined` where the database worked for it, or it waited for that. The place in the code where it borrowed
   * is not told: to note it costs microseconds for each loan, several times as much as the loan.
   */
  idleness(nowMs: number): string | undefined {
    if (this.idle) return 'the database did nothing for it';
    const heldMs = this.#session?.idleInHandMs(nowMs);
    if (heldMs === undefined) return undefined;
    return `it kept a connection that it had not used for ${Math.round(heldMs)} ms`;
  }

  /** Cuts everything short. */
  stop(reason: Error): void {
    this.#stoppedBy = reason;
    this.#controller?.abort(reason);
    this.close();
  }

  /** Lets no more database work begin. */
  close(): void {
    this.#session?.close(this.#stoppedBy);
  }

  /** When the connections that are kept after the answer are to be taken back; `Infinity` for never. */
  reclaimAtMs(nowMs: number, deadlineAtMs: number): number {
    return this.#session === undefined ? Number.POSITIVE_INFINITY : reclaimAtMs(nowMs, this.#session, deadlineAtMs);
  }

  /** Takes them back; see {@link reclaim}. Returns when to call again; `Infinity` for never. */
  reclaim(nowMs: number, route: string, warn: (code: string, message: string) => void): number {
    return this.#session === undefined ? Number.POSITIVE_INFINITY : reclaim(nowMs, this.#session, route, warn);
  }
}
