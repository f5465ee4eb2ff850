import { type Clock, systemClock } from '../clock.js';
import type { RedisClient } from '../fleet/redis-link.js';
import type { Registry } from '../fleet/registry.js';
import { consoleLogger, type Logger, shielded } from '../telemetry/log.js';
import { restrained } from '../telemetry/log-restraint.js';
import { checkSurroundings } from './check-surroundings.js';

/** What surrounds a gateway. Every field has a default; tests replace them. */
export interface GatewaySurroundings {
  /** Variables that tune the configuration. Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: warnings to the console, each code once in a while. */
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** The wall clock, in ms since 1970, for routes with a `window`. Default `Date.now`. */
  readonly wallMs?: () => number;
  /** Uniform in [0, 1). Default `Math.random`. */
  readonly random?: () => number;
  /**
   * A client of `ioredis` (a `Redis` or a `Cluster`) for what the fleet shares, in place of one for `redisUrl`. It stays
   * open when the gateway ends.
   */
  readonly redis?: RedisClient;
  /**
   * Where instances find each other, to divide the connections of their servers. Default: Redis, where there is one;
   * workers of a cluster can ask their primary instead.
   */
  readonly registry?: Registry;
}

/** Surroundings with the defaults filled in. */
export type KnownSurroundings = Required<Omit<GatewaySurroundings, 'redis' | 'registry'>> &
  Pick<GatewaySurroundings, 'redis' | 'registry'>;

/**
 * Fills the defaults in; a logger that throws disturbs nobody, and hears nothing once for each request.
 *
 * @throws TypeError for a field that is unknown, or is not what it has to be: it names the remedy.
 */
export function knownSurroundings(given: GatewaySurroundings): KnownSurroundings {
  checkSurroundings(given);
  const { env, logger, clock = systemClock, wallMs, random } = given;
  return {
    ...given,
    env: env ?? process.env,
    logger: restrained(shielded(logger ?? consoleLogger()), clock),
    clock,
    wallMs: wallMs ?? Date.now,
    random: random ?? Math.random,
  };
}
