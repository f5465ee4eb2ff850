import type { PoolValues, RouteValues } from './config.js';
import type { PoolProfile } from './options.js';

/** What a profile sets where neither the environment nor the code does. */
interface Profile {
  readonly pool: Partial<PoolValues>;
  /** Of the routes on the pool: their deadline bounds acquiring a connection as well as every statement. */
  readonly route: Partial<RouteValues>;
}

const MINUTE_MS = 60_000;

/**
 * Few connections, so that long work cannot take the server over, none of them open while there is no work; long
 * deadlines; and the patience to wait a restart out. A migration waits for locks only briefly, because everybody who
 * comes after it waits behind the lock that it asks for; a batch asks for locks of rows, which hold up nobody else.
 */
const PROFILES: Readonly<Record<PoolProfile, Profile>> = {
  batch: {
    pool: { max: 2, minIdle: 0, lockTimeoutMs: 30_000, rideOutMs: 30_000 },
    route: { deadlineMs: 10 * MINUTE_MS },
  },
  migration: {
    pool: { max: 1, minIdle: 0, lockTimeoutMs: 2_000, rideOutMs: 30_000 },
    route: { deadlineMs: 60 * MINUTE_MS },
  },
};

/** What the profile of a pool sets of the pool, as far as it was read. */
export function poolPresets({ profile, admin }: Partial<PoolValues>): Partial<PoolValues> {
  if (profile === undefined) return {};
  const { minIdle, ...others } = PROFILES[profile].pool;
  // An admin pool keeps all its connections.
  return admin === true || minIdle === undefined ? others : { ...others, minIdle };
}

/** What the profile of its pool sets of a route. */
export function routePresets(profile: PoolProfile | undefined): Partial<RouteValues> {
  return profile === undefined ? {} : PROFILES[profile].route;
}
