import { EventLoopGuard } from '../admission/event-loop-guard.js';
import type { Clock } from '../clock.js';
import type { GatewayConfig } from '../config/config.js';
import { DecisionLog } from '../telemetry/decision-log/decision-log.js';
import { assembleRoute, type Parts } from './assemble.js';
import type { PoolRuntime } from './pool-runtime.js';
import { RecordedEntry } from './recorded-entry.js';
import { type Admitting, RouteEntry } from './route-entry.js';
import type { WorkContext } from './work-contract.js';

/** The log of the decisions of a gateway; `undefined` where none is kept. */
export function assembleDecisions({ decisionLogRecords }: GatewayConfig, clock: Clock): DecisionLog | undefined {
  if (decisionLogRecords === 0) return undefined;
  const [one = 0, other = 0] = crypto.getRandomValues(new Uint32Array(2));
  return new DecisionLog({ records: decisionLogRecords, clock, secret: [one, other] });
}

/** The way into each route, by its name. */
export function assembleEntries(
  parts: Parts,
  pools: ReadonlyMap<string, PoolRuntime>,
  context: WorkContext,
  admitting: Admitting,
): ReadonlyMap<string, RouteEntry> {
  const { config, decisions } = parts;
  const { lag } = context;
  const guard = config.maxEventLoopLagMs === 0 ? undefined : new EventLoopGuard(lag, config.maxEventLoopLagMs);
  return new Map(
    Array.from(config.routes.values(), (route) => {
      const runtime = assembleRoute(parts, route, pools);
      const entry =
        decisions === undefined
          ? new RouteEntry(runtime, context, lag, admitting, guard)
          : new RecordedEntry(decisions, runtime, context, lag, admitting, guard);
      return [route.name, entry];
    }),
  );
}
