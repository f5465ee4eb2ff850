import type { Call } from './call.js';

/** A lock in the database that one call at a time can hold, first come first served: a hot row. */
export class LockLine {
  #holder: Call | undefined;
  readonly #line: Call[] = [];

  /** Calls that wait for the lock. */
  get waiting(): number {
    return this.#line.length;
  }

  /** True when the call has the lock now; else it stands in line. */
  ask(call: Call): boolean {
    if (this.#holder !== undefined) {
      this.#line.push(call);
      return false;
    }
    this.#holder = call;
    return true;
  }

  /** A call is over, whether it held the lock or waited for it. The call that has the lock next, if it changes hands. */
  leave(call: Call): Call | undefined {
    if (this.#holder === call) {
      this.#holder = this.#line.shift();
      return this.#holder;
    }
    const place = this.#line.indexOf(call);
    if (place >= 0) this.#line.splice(place, 1);
    return undefined;
  }
}
