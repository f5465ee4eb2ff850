import type { BeginOptions, Connection, QueryResult } from './contract.js';
import type { Session } from './session.js';

/** Takes a session back from its borrower. */
export interface Lender<Slot> {
  takeBack(slot: Slot): Promise<void>;
}

/**
 * What a borrower holds. It dies with its release, so that a handle kept too long can touch nothing of the next
 * borrower, who uses the same session through another one.
 */
export class LentConnection<Slot extends { readonly session: Session }> implements Connection {
  readonly #slot: Slot;
  readonly #lender: Lender<Slot>;
  #released: Promise<void> | undefined;

  constructor(slot: Slot, lender: Lender<Slot>) {
    this.#slot = slot;
    this.#lender = lender;
  }

  get id(): number {
    return this.#slot.session.id;
  }

  get busy(): boolean {
    return this.#released === undefined && this.#slot.session.busy;
  }

  get inTransaction(): boolean {
    return this.#released === undefined && this.#slot.session.inTransaction;
  }

  get alive(): boolean {
    return this.#released === undefined && this.#slot.session.alive;
  }

  get clean(): boolean {
    return this.#released === undefined && this.#slot.session.clean;
  }

  get fresh(): boolean {
    return this.#released === undefined && this.#slot.session.fresh;
  }

  query<Row = Record<string, unknown>>(
    text: string,
    values: readonly unknown[] | undefined,
    limitMs: number | undefined,
  ): Promise<QueryResult<Row>> {
    if (this.#released !== undefined) return refused();
    return this.#slot.session.query<Row>(text, values, limitMs).catch(traceToCaller);
  }

  begin(limitMs: number | undefined, options?: BeginOptions): Promise<void> {
    if (this.#released !== undefined) return refused();
    return this.#slot.session.begin(limitMs, options).catch(traceToCaller);
  }

  beginWith<Row = Record<string, unknown>>(
    text: string,
    values: readonly unknown[] | undefined,
    limitMs: number | undefined,
    options?: BeginOptions,
  ): Promise<QueryResult<Row>> | undefined {
    if (this.#released !== undefined) return refused();
    return this.#slot.session.beginWith<Row>(text, values, limitMs, options)?.catch(traceToCaller);
  }

  commit(): Promise<boolean> {
    if (this.#released !== undefined) return refused();
    return this.#slot.session.commit().catch(traceToCaller);
  }

  rollback(): Promise<void> {
    if (this.#released !== undefined) return refused();
    return this.#slot.session.rollback().catch(traceToCaller);
  }

  cancel(): void {
    if (this.#released === undefined) this.#slot.session.cancel();
  }

  release(): Promise<void> {
    this.#released ??= this.#lender.takeBack(this.#slot);
    return this.#released;
  }

  destroy(): void {
    if (this.#released === undefined) this.#slot.session.destroy();
  }
}

function refused(): Promise<never> {
  return Promise.reject(new Error('the connection was used after release: take another one with acquire()'));
}

/** The stack of an error that came off the socket says nothing; this one names the awaiting callers. */
function traceToCaller(error: unknown): never {
  if (error instanceof Error) Error.captureStackTrace(error);
  throw error;
}
