import type { Clock } from '../clock.js';
import { HEARTBEAT_MS } from '../core/fleet-book.js';
import { GHOST_MS } from '../core/fleet-ghosts.js';
import type { ServerNeed, ServerShare } from '../core/fleet-share.js';
import type { ConnectionPool } from '../pools/contract.js';
import { isMysqlUrl } from '../pools/mysql-target.js';

/** A pool of this instance on the server. */
export interface OwnPool {
  readonly pool: ConnectionPool;
  readonly config: { readonly url: string };
}

/** For a connection to look with. */
const PATIENCE_MS = 500;
/** Within it everybody has said anew what he has open: until then a look may have counted with what is no more. */
const SURE_MS: number = 1.5 * HEARTBEAT_MS;
/** Between two looks while nobody is dead. */
const CALM_MS = 20_000;
/** So many of them have to agree on what is nobody's: one may have met connections that their owner has not told of. */
const CALM_LOOKS = 3;

/** Another role is not told what kind of session one is: it counts. */
const SESSIONS =
  "SELECT count(*)::int AS sessions FROM pg_stat_activity WHERE application_name = current_setting('application_name')" +
  " AND coalesce(backend_type, 'client backend') = 'client backend'";

/**
 * Whether sessions of dead instances are left on a server: it has more of the fleet than the living say that they have.
 * Told apart by `application_name`, which a fleet shares. What there is more while nobody is dead, as the sessions of a
 * pooler in between, is nobody's.
 */
export class DeadSessions {
  readonly #clock: Clock;
  #looking = false;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  /** The highest of the last looks. */
  #left = 0;
  #leftAtMs = Number.NEGATIVE_INFINITY;
  /** When some were seen, or it could not be told. */
  #doubtAtMs = Number.NEGATIVE_INFINITY;
  #gone: readonly string[] = [];
  /** What was seen more than there should be while nobody was dead. */
  #calm: readonly number[] = [];
  #calmAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What the book is to know. While nobody can look, what was seen last stands for as long as the book would keep it. */
  get said(): Pick<ServerNeed, 'gone' | 'left' | 'strangers'> {
    const stands = this.#clock.nowMs() - this.#lookedAtMs <= GHOST_MS;
    return {
      gone: this.#gone,
      ...(stands ? { left: this.#left } : {}),
      ...(this.#calm.length < CALM_LOOKS ? {} : { strangers: Math.min(...this.#calm) }),
    };
  }

  /**
   * Looks, where there is something to be found out. Never rejects.
   *
   * @returns Whether the book should know at once: all that the dead had is free.
   */
  async look(pools: readonly OwnPool[], share: ServerShare): Promise<boolean> {
    const calm = share.ghosts.length === 0;
    if (calm) this.#forget();
    if (this.#looking || (calm && this.#clock.nowMs() - this.#calmAtMs < CALM_MS)) return false;
    this.#looking = true;
    const more = await this.#count(pools, share, calm);
    this.#looking = false;
    if (!calm) return this.#found(more, share);
    this.#calmAtMs = this.#clock.nowMs();
    if (typeof more === 'number') this.#calm = [...this.#calm, Math.max(0, more)].slice(-CALM_LOOKS);
    return false;
  }

  #forget(): void {
    this.#left = 0;
    this.#gone = [];
    this.#lookedAtMs = Number.NEGATIVE_INFINITY;
  }

  #found(more: number | 'unclear' | undefined, { ghosts, strangers = 0 }: ServerShare): boolean {
    const nowMs = this.#clock.nowMs();
    const news = this.#gone.length === 0;
    this.#gone = [];
    if (more === 'unclear') return false;
    if (more === undefined) {
      this.#doubtAtMs = nowMs;
      return false;
    }
    const left = Math.max(0, more - strangers);
    this.#lookedAtMs = nowMs;
    if (left > 0) this.#doubtAtMs = nowMs;
    if (left >= this.#left || nowMs - this.#leftAtMs > SURE_MS) {
      this.#left = left;
      this.#leftAtMs = nowMs;
    }
    if (left === 0 && nowMs - this.#doubtAtMs > SURE_MS) this.#gone = ghosts;
    // Others may see some still: it is said again, but at leisure.
    return news && this.#gone.length > 0;
  }

  /**
   * Sessions of the fleet beyond those of the living.
   *
   * @param idle - Whether to look only where a connection has nothing to do.
   * @returns `unclear` where they may be connections that this instance is opening; `undefined` where nobody can tell,
   *   as on MySQL, which shows an ordinary user no names.
   */
  async #count(
    pools: readonly OwnPool[],
    { othersOpen }: ServerShare,
    idle: boolean,
  ): Promise<number | 'unclear' | undefined> {
    const up = pools.filter(({ pool, config }) => pool.state === 'up' && pool.max > 0 && !isMysqlUrl(config.url));
    const looker = up.find(({ pool }) => pool.gauges().idle > 0) ?? (idle ? undefined : up[0]);
    if (looker === undefined) return undefined;
    try {
      const deadlineAtMs = this.#clock.nowMs() + PATIENCE_MS;
      const connection = await looker.pool.acquire({ deadlineAtMs, rank: 0 });
      try {
        const gauges = pools.map(({ pool }) => pool.gauges());
        const { rows } = await connection.query<{ sessions: number }>(SESSIONS, undefined, PATIENCE_MS);
        const own = gauges.reduce((sum, { total }) => sum + total, 0);
        const opening = gauges.reduce((sum, { connecting }) => sum + connecting, 0);
        const sessions = rows[0]?.sessions;
        if (sessions === undefined) return undefined;
        const more = sessions - own - othersOpen;
        return more > 0 && more <= opening ? 'unclear' : more;
      } finally {
        await connection.release();
      }
    } catch {
      return undefined;
    }
  }
}
