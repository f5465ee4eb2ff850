import type { GatewaySettings, RouteSettings as SimulatedSettings } from '../../simulator/settings.js';
import type { PolicySettings, RouteSettings } from '../../telemetry/decision-log/policy-settings.js';

/** The settings of another configuration in the form in which a log has its own. */
export function policySettings({ pools, routes }: GatewaySettings): PolicySettings {
  const names = pools.map(({ name }) => name);
  return {
    gates: pools.map(({ name, seats, headroom, shares, rideOutMs, maxQueued, maxTenants, discipline }) => ({
      name,
      options: {
        seats,
        headroom,
        shares,
        rideOutMs,
        servesTopClass: servesTopClass(name, routes),
        ...(maxQueued === undefined ? {} : { maxQueued }),
        ...(maxTenants === undefined ? {} : { maxTenants }),
        ...(discipline === undefined ? {} : { discipline }),
      },
    })),
    routes: routes.map((route) => routeSettings(route, names)),
  };
}

/** Seats that belong to one route alone have nobody to leave any to. */
function servesTopClass(pool: string, routes: readonly SimulatedSettings[]): boolean {
  return !pool.includes(' ') && routes.some((route) => route.pool === pool && route.rank === 0);
}

function routeSettings(route: SimulatedSettings, pools: readonly string[]): RouteSettings {
  const { name, rank, deadlineMs, maxQueued, expectedMs, ratePerSecond, burst, perCaller, pool } = route;
  const rate = {
    ...(ratePerSecond === undefined ? {} : { endpoint: { refillPerSecond: ratePerSecond, burst } }),
    ...(perCaller && {
      perCaller: {
        refillPerSecond: perCaller.ratePerSecond,
        burst: perCaller.burst,
        maxKeys: perCaller.maxKeys,
      },
    }),
  };
  return {
    name,
    rank,
    deadlineMs,
    maxQueued,
    times: expectedMs === undefined ? {} : { expectedMs },
    gate: pool === undefined ? undefined : pools.indexOf(pool),
    rate: Object.keys(rate).length === 0 ? undefined : rate,
  };
}
