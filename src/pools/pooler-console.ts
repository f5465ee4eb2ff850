import pg from 'pg';
import type { Clock } from '../clock.js';
import { pgAddressOf } from './pg-address.js';
import { timeLimit } from './time-limit.js';

/** How a pooler treats the clients of one user in one database. */
export interface PoolerSetup {
  /** `transaction`, `session` or `statement`. */
  readonly mode: string;
  /** Connections to the server for them at most, but for the reserve. */
  readonly size: number;
  /** Connections beyond that, for those who have waited for `reserve_pool_timeout`. */
  readonly reserve: number;
  /** After this time, in milliseconds, it tries a server again that it could not log in to. */
  readonly loginRetryMs: number;
}

/** What a pooler tells of one user in one database, at one instant; what ends in `Total` counts since its start. */
export interface PoolerFigures {
  readonly clientsActive: number;
  /** Clients that wait for a connection to the server. */
  readonly clientsWaiting: number;
  readonly serversActive: number;
  readonly serversIdle: number;
  /** How long the first of those who wait has waited, in milliseconds. */
  readonly longestWaitMs: number;
  /** In milliseconds, of all clients of the database together. */
  readonly waitMsTotal: number;
  readonly transactionsTotal: number;
}

/** For a connection to the console and all that is asked on it. */
const CONSOLE_LIMIT_MS = 1_000;

type Row = Readonly<Record<string, unknown>>;

/** Reads what the console of a PgBouncer tells about the user and the database of one pool. Connects for each reading. */
export class PoolerConsole {
  readonly #adminUrl: string;
  readonly #database: string;
  readonly #user: string;
  readonly #clock: Clock;

  /**
   * @param adminUrl - Of the console: database `pgbouncer`, a user of `admin_users` or `stats_users`.
   * @param url - Of the pool.
   */
  constructor(adminUrl: string, url: string, clock: Clock) {
    const { database, user } = pgAddressOf(url);
    this.#adminUrl = adminUrl;
    this.#database = database;
    this.#user = user;
    this.#clock = clock;
  }

  /** @returns `undefined` where the pooler does not know the database. Rejects when it cannot be asked. */
  setup(): Promise<PoolerSetup | undefined> {
    return this.#ask(async (show) => {
      const [databases, settings] = [await show('DATABASES'), await show('CONFIG')];
      const entry = databases.find(({ name }) => name === this.#database);
      if (entry === undefined) return undefined;
      const set = (name: string): unknown => settings.find(({ key }) => key === name)?.value;
      return {
        mode: String(entry.pool_mode ?? set('pool_mode')),
        ...sizesOf(entry),
        loginRetryMs: Number(set('server_login_retry') ?? 0) * 1_000,
      };
    });
  }

  figures(): Promise<PoolerFigures> {
    return this.#ask(async (show) => {
      const [pools, stats] = [await show('POOLS'), await show('STATS')];
      const pool = pools.find(({ database, user }) => database === this.#database && user === this.#user);
      const totals = stats.find(({ database }) => database === this.#database);
      const of = (row: Row | undefined, key: string): number => Number(row?.[key] ?? 0);
      return {
        clientsActive: of(pool, 'cl_active'),
        clientsWaiting: of(pool, 'cl_waiting'),
        serversActive: of(pool, 'sv_active'),
        serversIdle: of(pool, 'sv_idle') + of(pool, 'sv_used'),
        longestWaitMs: of(pool, 'maxwait') * 1_000 + of(pool, 'maxwait_us') / 1_000,
        waitMsTotal: of(totals, 'total_wait_time') / 1_000,
        transactionsTotal: of(totals, 'total_xact_count'),
      };
    });
  }

  async #ask<Answer>(read: (show: (what: string) => Promise<readonly Row[]>) => Promise<Answer>): Promise<Answer> {
    const client = new pg.Client({ connectionString: this.#adminUrl });
    client.on('error', () => undefined);
    const limit = timeLimit(this.#clock, CONSOLE_LIMIT_MS, () => client.connection.stream.destroy());
    try {
      await client.connect();
      return await read(async (what) => (await client.query<Row>(`SHOW ${what}`)).rows);
    } finally {
      limit.cancel();
      await client.end().catch(() => undefined);
    }
  }
}

/** All users of a database together may be bound as well. */
function sizesOf(entry: Row): Pick<PoolerSetup, 'size' | 'reserve'> {
  const most = Number(entry.max_connections ?? 0) || Number.POSITIVE_INFINITY;
  const size = Math.min(Number(entry.pool_size), most);
  // Its name has changed in 1.23.
  const reserve = Number(entry.reserve_pool_size ?? entry.reserve_pool ?? 0);
  return { size, reserve: Math.min(reserve, most - size) };
}
