import { DEFAULT_SHARES } from '../../core/class-shares.js';
import type { GatewaySettings, RouteSettings as SimulatedSettings } from '../../simulator/settings.js';
import type { PolicySettings, RouteSettings } from '../../telemetry/decision-log/policy-settings.js';

/** What a bulkhead rides out where nobody says, in milliseconds. */
const USUAL_RIDE_OUT_MS = 2_000;
/** Callers that keyed buckets tell apart where nobody says. */
const USUAL_KEYS = 10_000;

/** The settings that a log was written under, for a simulation. Whether a pool adapts its seats is not among them. */
export function loggedSettings({ gates, routes }: PolicySettings): GatewaySettings {
  return {
    pools: gates.map(({ name, options }) => {
      const { seats, headroom, shares = DEFAULT_SHARES, rideOutMs = USUAL_RIDE_OUT_MS } = options;
      const { maxQueued, maxTenants, discipline } = options;
      return { name, seats, headroom, shares, rideOutMs, maxQueued, maxTenants, discipline };
    }),
    routes: routes.map((route) => routeSettings(route, gates[route.gate ?? -1]?.name)),
  };
}

function routeSettings(
  { name, rank, deadlineMs, maxQueued, times, rate }: RouteSettings,
  pool: string | undefined,
): SimulatedSettings {
  const { endpoint, perCaller } = rate ?? {};
  return {
    name,
    pool,
    rank,
    deadlineMs,
    maxQueued,
    expectedMs: times.expectedMs,
    ratePerSecond: endpoint?.refillPerSecond,
    burst: endpoint?.burst ?? 1,
    perCaller: perCaller && {
      ratePerSecond: perCaller.refillPerSecond,
      burst: perCaller.burst,
      maxKeys: perCaller.maxKeys ?? USUAL_KEYS,
    },
    cancelOnDisconnect: true,
  };
}
