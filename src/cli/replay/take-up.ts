import { archiveGate } from '../../telemetry/decision-log/gate-state.js';
import type { DecodedLog } from '../../telemetry/decision-log/log-document.js';
import type { PolicySettings } from '../../telemetry/decision-log/policy-settings.js';
import { StateReader } from '../../telemetry/decision-log/state-archive.js';
import { type ReplayedGate, ReplayedPolicy, type ReplayedRoute, type RouteHead } from './replayed-policy.js';

/**
 * A policy with other settings that knows the head of a log. A pool that serves the same routes in the same classes takes
 * the whole state up: its tickets, its accounts, how far it had given way. Of others, what does not depend on settings:
 * the service times of routes that expect the same, and the outage. Buckets that are set otherwise begin full.
 */
export function takeUp(log: DecodedLog, settings: PolicySettings, nowMs: number): ReplayedPolicy {
  const before = new ReplayedPolicy(log.settings);
  before.load(log.checkpoints);
  const policy = new ReplayedPolicy(settings, (name) => headOf(before, log.settings, settings, name));
  for (const gate of policy.gates) {
    const { name, bulkhead } = gate;
    loadSame(log, gate);
    const old = before.gates.find((gate) => gate.name === name)?.bulkhead;
    const oldSeats = seatsOf(log.settings, name);
    const seats = seatsOf(settings, name);
    if (old === undefined || oldSeats === undefined || seats === undefined) continue;
    const wanted = Math.max(1, Math.round((seats * old.seats) / oldSeats));
    if (bulkhead.seats !== wanted) bulkhead.resize(nowMs, wanted);
    if (old.outage.down) bulkhead.beginOutage(nowMs - old.outage.lastedMs(nowMs));
  }
  return policy;
}

function loadSame(log: DecodedLog, gate: ReplayedGate): void {
  const place = log.settings.gates.findIndex(({ name }) => name === gate.name);
  const checkpoint = log.checkpoints.find((each) => each.kind === 'gate' && each.place === place);
  const routes = log.settings.routes.filter((route) => route.gate === place);
  const same = routes.length === gate.routes.length && routes.every(({ name, rank }) => isAmong(gate, name, rank));
  if (checkpoint === undefined || !same) return;
  // The state names routes by their order in the log.
  gate.routes.sort((one, other) => orderOf(routes, one) - orderOf(routes, other));
  archiveGate(new StateReader(checkpoint.state), gate, undefined);
}

function isAmong({ routes }: ReplayedGate, name: string, rank: number): boolean {
  return routes.some((route) => route.name === name && route.rank === rank);
}

function orderOf(routes: PolicySettings['routes'], { name }: ReplayedRoute): number {
  return routes.findIndex((route) => route.name === name);
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
