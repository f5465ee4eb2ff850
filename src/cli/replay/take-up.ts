import type { DecodedLog } from '../../telemetry/decision-log/log-document.js';
import type { PolicySettings } from '../../telemetry/decision-log/policy-settings.js';
import { ReplayedPolicy, type RouteHead } from './replayed-policy.js';

/**
 * A policy with other settings that knows, of the head of a log, what does not depend on them: the service times of
 * routes that expect the same, buckets that are the same, the outage of a pool, and how far it had given way. Buckets
 * that are set otherwise begin full.
 */
export function takeUp(log: DecodedLog, settings: PolicySettings, nowMs: number): ReplayedPolicy {
  const before = new ReplayedPolicy(log.settings);
  before.load(log.checkpoints);
  const policy = new ReplayedPolicy(settings, (name) => headOf(before, log.settings, settings, name));
  for (const { name, bulkhead } of policy.gates) {
    const old = before.gates.find((gate) => gate.name === name)?.bulkhead;
    const oldSeats = seatsOf(log.settings, name);
    const seats = seatsOf(settings, name);
    if (old === undefined || oldSeats === undefined || seats === undefined) continue;
    if (old.seats !== oldSeats) bulkhead.resize(nowMs, Math.max(1, Math.round((seats * old.seats) / oldSeats)));
    if (old.outage.down) bulkhead.beginOutage(nowMs - old.outage.lastedMs(nowMs));
  }
  return policy;
}

function headOf(before: ReplayedPolicy, old: PolicySettings, settings: PolicySettings, name: string): RouteHead {
  const route = before.routes.find((each) => each.name === name);
  const [was, is] = [old, settings].map(({ routes }) => routes.find((each) => each.name === name));
  if (route === undefined || was === undefined || is === undefined) return {};
  return {
    times: was.times.expectedMs === is.times.expectedMs ? route.times : undefined,
    rate: JSON.stringify(was.rate) === JSON.stringify(is.rate) ? route.rate : undefined,
    lastLeaseMs: route.lastLeaseMs,
  };
}

function seatsOf({ gates }: PolicySettings, name: string): number | undefined {
  return gates.find((gate) => gate.name === name)?.options.seats;
}
