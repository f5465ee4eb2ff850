import { type Clock, systemClock } from '../clock.js';
import type { GatewayConfig } from '../config/config.js';
import { ConfigError } from '../config/problem.js';
import { Fleet } from '../fleet/fleet.js';
import type { RedisClient } from '../fleet/redis-link.js';
import type { Logger } from '../telemetry/log.js';

interface Surroundings {
  readonly logger: Logger;
  readonly redis?: RedisClient;
  readonly clock?: Clock;
  readonly random?: () => number;
}

/**
 * Opens what an instance shares with others; `undefined` where no Redis is configured, or no limit is to be kept. Those
 * that only observe share limits of their own: what they count must not be missing where it is enforced.
 *
 * @throws ConfigError when a limit is to hold for a fleet and there is no Redis.
 * @throws RedisPackageError when the package `ioredis` is not installed.
 */
export async function joinFleet(config: GatewayConfig, surroundings: Surroundings): Promise<Fleet | undefined> {
  const { mode, redisUrl, fleetName, applicationName, fleetSyncMs, instances } = config;
  const { logger, redis, clock = systemClock, random = Math.random } = surroundings;
  if (redisUrl === undefined && redis === undefined) refuseFleetWide(config);
  if (mode === 'off' || (redisUrl === undefined && redis === undefined)) return undefined;
  const name = fleetName ?? applicationName;
  return Fleet.open({
    name: mode === 'observe' ? `${name}:observe` : name,
    url: redisUrl ?? '',
    client: redis,
    syncMs: fleetSyncMs,
    instances,
    clock,
    random,
    warn: (code, message) => logger.warn({ code }, message),
  });
}

function refuseFleetWide({ routes, origins }: GatewayConfig): void {
  const remedy = 'a limit of the whole fleet needs a Redis; set SLUICE_REDIS_URL, REDIS_URL or redisUrl as well';
  const problems = [...routes.values()].flatMap(({ name, fleetWide, fleetMaxConcurrent }) => {
    const asked = { fleetWide: fleetWide === true ? 'true' : undefined, fleetMaxConcurrent };
    return Object.entries(asked)
      .filter(([, value]) => value !== undefined)
      .map(([field, value]) => ({ path: `routes.${name}.${field}`, value: String(value) }))
      .map(({ path, value }) => ({ where: origins.get(path)?.variable ?? path, value, remedy }));
  });
  if (problems.length > 0) throw new ConfigError(problems);
}
