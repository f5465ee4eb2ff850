import { stayingState } from '../pools/session-guard.js';

/**
 * Tells each route once that a statement of its `query()` changed its session in vain: the change is undone when the
 * connection goes back, which is with that statement. Without a word the next one would silently work without it.
 */
export class UndoneState {
  readonly #warn: (code: string, message: string) => void;
  /** Names of routes, so there are no more than these. */
  readonly #told = new Set<string>();

  constructor(warn: (code: string, message: string) => void) {
    this.#warn = warn;
  }

  /** A statement of `query()` has left, or may have left, something in its session. */
  note(route: string, text: string): void {
    if (this.#told.has(route)) return;
    const [what] = stayingState(text)?.split(':') ?? [];
    if (what === undefined) return;
    this.#told.add(route);
    this.#warn(
      'session_state_undone',
      `route "${route}": a statement of query() set up ${what}, which was undone when its connection went back: keep one ` +
        'with connect() and run there what needs it, or use transaction() (in PostgreSQL with SET LOCAL)',
    );
  }
}
