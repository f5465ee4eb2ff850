import type pg from 'pg';
import { keyOf } from './pg-client.js';
import { isFatal, sqlStateOf } from './pg-errors.js';
import { isConsole } from './pooler-errors.js';
import { UnsupportedServerError } from './unsupported-server.js';

/** What stands between a pool and its server, as far as the configuration says: found out with `auto`. */
export type PoolerSetting = 'auto' | 'pgbouncer' | 'none';

const CONSOLE =
  'the url leads to the console of a PgBouncer, which runs no statements: name an entry of its [databases] there, ' +
  'and the console in poolerAdminUrl';

/** Process ids of Linux end here; the random number that a pooler gives in place of one hardly ever lies below. */
const LARGEST_PROCESS_ID = 4_194_304;

/**
 * Whether sessions to one address are handed on between transactions. Two things are certain: a pooler refuses settings
 * at the start, and it shows its own key for a cancel rather than the one of the server process that answers. A
 * server that cannot be asked counts as shared, because that is safe everywhere.
 */
export class PoolerWatch {
  readonly #setting: PoolerSetting;
  #shares: boolean | undefined;
  #refusedTransaction = false;
  #contradicted = false;

  constructor(setting: PoolerSetting) {
    this.#setting = setting;
    this.#shares = setting === 'auto' ? undefined : setting === 'pgbouncer';
  }

  /** `undefined` while nothing is known. */
  get shares(): boolean | undefined {
    return this.#shares;
  }

  /** The configuration says that there is none. */
  get denied(): boolean {
    return this.#setting === 'none';
  }

  /** It refused settings at the start. False where the configuration says that there is none. */
  refusedSettings(): boolean {
    if (this.denied) return false;
    this.#shares = true;
    return true;
  }

  /** It refused a transaction; true the first time. */
  firstRefusal(): boolean {
    const first = !this.#refusedTransaction;
    this.#refusedTransaction = true;
    return first;
  }

  /** The configuration says that there is none, and this session shows that there is one; true the first time. */
  contradicts(client: pg.Client): boolean {
    if (!this.denied || this.#contradicted) return false;
    this.#contradicted = !looksReal(keyOf(client).processId);
    return this.#contradicted;
  }

  /**
   * Asks on a session that is not in use yet: whether there is a pooler, where that is not known, and whether its server
   * is there, because a pooler lets clients in without one. One round trip, or none.
   *
   * @param done - Called with what ended the session, if that is the answer; not called where it ends without one.
   */
  look(client: pg.Client, done: (error?: unknown) => void): void {
    const { processId } = keyOf(client);
    if (this.denied || (this.#shares === false && looksReal(processId))) {
      done();
      return;
    }
    client.query('SELECT pg_backend_pid() AS pid', (error: Error | null, result?: pg.QueryResult<{ pid: number }>) => {
      if (isConsole(error)) return done(new UnsupportedServerError(CONSOLE, { cause: error }));
      if (error !== null && isFatal(error)) done(error);
      if (error !== null && (sqlStateOf(error) === undefined || isFatal(error))) return;
      this.#shares ||= result?.rows[0]?.pid !== processId;
      done();
    });
  }
}

function looksReal(processId: number): boolean {
  return processId > 0 && processId <= LARGEST_PROCESS_ID;
}
