import type { GatewayConfig, RouteConfig } from '../config/config.js';
import { rankOf } from '../core/priority.js';
import { TokenBucket } from '../core/token-bucket.js';
import type { Fleet } from '../fleet/fleet.js';
import { type MakeBucket, RateLimit, type RateLimitOptions } from '../rate-limit/rate-limit.js';
import { TotalRate } from '../rate-limit/total-rate.js';
import type { Parts } from './assemble.js';
import type { FleetAgreement } from './fleet-agreement.js';
import { RecordedRateLimit } from './recorded-rate-limit.js';

/**
 * What an instance keeps of its share of a fleet's rate while it knows nothing of the others, by class: what is least
 * important gives way first.
 */
const AWAY_FACTORS = [1, 0.75, 0.5, 0.25] as const;

/** The bucket of all routes together, where one is configured. */
export function assembleTotalRate(
  { ratePerSecond, burst }: GatewayConfig,
  agreement: FleetAgreement,
  fleet: Fleet | undefined,
): TotalRate | undefined {
  if (ratePerSecond === undefined || burst === undefined) return undefined;
  const limit = agreement.limit('', { refillPerSecond: ratePerSecond, burst });
  return new TotalRate(fleet?.bucket('all', limit, 1) ?? new TokenBucket(ratePerSecond, burst));
}

/** The rate limits of one route. */
export function assembleRate(
  { decisions, agreement, fleet, total }: Parts,
  config: RouteConfig,
): RateLimit | undefined {
  const { ratePerSecond, burst, perCaller, name } = config;
  if (ratePerSecond === undefined && perCaller === undefined && total === undefined) return undefined;
  const shared = config.fleetWide === false ? undefined : fleet;
  const makeBucket: MakeBucket | undefined =
    shared &&
    ((bucket, refillPerSecond, burst) => {
      const path = `routes.${name}.${bucket === 'endpoint' ? '' : 'perCaller.'}`;
      const limit = agreement.limit(path, { refillPerSecond, burst });
      return shared.bucket(`${name}:${bucket}`, limit, AWAY_FACTORS[rankOf(config.priority)]);
    });
  const options: RateLimitOptions = {
    endpoint: ratePerSecond === undefined ? undefined : { refillPerSecond: ratePerSecond, burst },
    perCaller: perCaller && {
      refillPerSecond: perCaller.ratePerSecond,
      burst: perCaller.burst,
      maxKeys: perCaller.maxKeys,
    },
    total,
    makeBucket,
  };
  // What other routes or other processes decide about cannot be decided again from what this route was asked.
  if (decisions === undefined || shared !== undefined || total !== undefined) return new RateLimit(options);
  return new RecordedRateLimit(options, decisions, name);
}
