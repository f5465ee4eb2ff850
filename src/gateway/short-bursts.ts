import type { GatewayConfig } from '../config/config.js';

/** Redis is asked no more often than this, in ms: of a burst that does not last as long, most overflows. */
const ROUND_MS = 5;
/** A burst has to last for so long at its rate, in ms, or it overflows however often Redis is asked. */
const SHORTEST_MS = 20;

interface Rate {
  /** Of the field that says its burst. */
  readonly path: string;
  readonly ratePerSecond: number | undefined;
  readonly burst: number | undefined;
}

/** What is to be said of rate limits of a fleet that cannot be spent whole, for their bursts are too short. */
export function shortBursts(config: Pick<GatewayConfig, 'ratePerSecond' | 'burst' | 'routes'>): string[] {
  const rates: Rate[] = [{ path: 'burst', ratePerSecond: config.ratePerSecond, burst: config.burst }];
  for (const { name, fleetWide, ratePerSecond, burst, perCaller } of config.routes.values()) {
    if (fleetWide === false) continue;
    rates.push({ path: `routes.${name}.burst`, ratePerSecond, burst });
    rates.push({
      path: `routes.${name}.perCaller.burst`,
      ...{ ratePerSecond: undefined, burst: undefined, ...perCaller },
    });
  }
  return rates.flatMap((rate) => textOf(rate) ?? []);
}

function textOf({ path, ratePerSecond, burst }: Rate): string | undefined {
  if (ratePerSecond === undefined || burst === undefined) return undefined;
  const least = Math.ceil((ratePerSecond * SHORTEST_MS) / 1_000);
  if (burst >= least) return undefined;
  const lastsMs = Math.round((burst * 10_000) / ratePerSecond) / 10;
  return (
    `${path} is ${burst}, which ${ratePerSecond} a second refill in ${lastsMs} ms: Redis is asked every ${ROUND_MS} ms at most, ` +
    `so ${lastsMs < ROUND_MS ? 'most' : 'a part'} of the rate is lost. Use a burst of ${least} or more.`
  );
}
