import { randomUUID } from 'node:crypto';
import type { GatewayConfig } from '../config/config.js';
import { ConfigError } from '../config/problem.js';
import { Fleet } from '../fleet/fleet.js';
import { Heartbeat } from '../fleet/heartbeat.js';
import { FleetAgreement } from './fleet-agreement.js';
import { FleetBudget } from './fleet-budget.js';
import { shortBursts } from './short-bursts.js';
import type { KnownSurroundings } from './surroundings.js';

/** What an instance shares with others; nothing but its own word where it is alone. */
export interface Joined {
  /** What holds where they are configured differently. */
  readonly agreement: FleetAgreement;
  /** Limits that hold for all of them; needs Redis. */
  readonly fleet?: Fleet | undefined;
  /** Their connections to the servers. */
  readonly budget?: FleetBudget | undefined;
}

/**
 * Opens what an instance shares with others, and enters it among them: nothing where there is neither a Redis nor
 * another registry, or no limit is to be kept. Those that only observe share limits of their own, for what they count
 * must not be missing where it is enforced, but their connections are as real as all others.
 *
 * @throws ConfigError when a limit is to hold for a fleet and there is no Redis.
 * @throws RedisPackageError when the package `ioredis` is not installed.
 */
export async function joinFleet(config: GatewayConfig, surroundings: KnownSurroundings): Promise<Joined> {
  const { clock, random, registry, redis, logger } = surroundings;
  const alone = config.redisUrl === undefined && redis === undefined;
  if (alone) refuseFleetWide(config);
  const warn = (code: string, message: string): void => logger.warn({ code }, message);
  const agreement = new FleetAgreement(config, warn);
  if (config.mode === 'off' || (alone && registry === undefined)) return { agreement };
  const fleet = alone ? undefined : await openFleet(config, surroundings, warn);
  if (fleet !== undefined) for (const message of shortBursts(config)) warn('fleet_burst_short', message);
  const { instances } = config;
  const own = registry && new Heartbeat({ registry, clock, random, id: randomUUID(), instances });
  const heartbeat = fleet?.heartbeat ?? own;
  const budget = heartbeat && new FleetBudget({ config, agreement, heartbeat, clock });
  await budget?.join();
  const { origin = 'default' } = config.origins.get('instances') ?? {};
  if (heartbeat?.known === false && origin === 'default') warn('fleet_size_unknown', SIZE_UNKNOWN);
  return { agreement, fleet, budget };
}

const SIZE_UNKNOWN =
  'where the instances of this fleet meet did not answer at the start, and instances is not set: until it does, this ' +
  'one takes all limits and connections for itself alone. Set SLUICE_INSTANCES or instances to their usual number.';

function openFleet(
  { mode, redisUrl, fleetName: name, fleetSyncMs, instances }: GatewayConfig,
  { redis, registry, clock, random }: KnownSurroundings,
  warn: (code: string, message: string) => void,
): Promise<Fleet> {
  return Fleet.open({
    bookName: name,
    registry,
    name: mode === 'observe' ? `${name}:observe` : name,
    url: redisUrl ?? '',
    client: redis,
    syncMs: fleetSyncMs,
    instances,
    clock,
    random,
    warn,
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
