import type { Clock } from '../clock.js';
import {
  die,
  type FleetBook,
  firstBook,
  leave,
  type MemberReply,
  type MemberReport,
  meet,
} from '../core/fleet-book.js';
import type { Registry } from './registry.js';

/**
 * The book of a fleet in the memory of one process, for instances that can ask it: the workers of a cluster and their
 * primary.
 */
export class BookKeeper implements Registry {
  readonly #clock: Pick<Clock, 'nowMs'>;
  #book: FleetBook;

  constructor(clock: Pick<Clock, 'nowMs'>) {
    this.#clock = clock;
    this.#book = firstBook(clock.nowMs());
  }

  meet(report: MemberReport): Promise<MemberReply> {
    const { book, reply } = meet(this.#book, this.#clock.nowMs(), report);
    this.#book = book;
    return Promise.resolve(reply);
  }

  leave(id: string): Promise<void> {
    this.#book = leave(this.#book, this.#clock.nowMs(), id);
    return Promise.resolve();
  }

  /** An instance is known to have died: what it had is kept for it until its sessions are gone, or a bound has passed. */
  die(id: string): void {
    this.#book = die(this.#book, this.#clock.nowMs(), id);
  }
}
