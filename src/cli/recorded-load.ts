import { basename } from 'node:path';
import { listNames } from '../config/names.js';
import { SCENARIO_VERSION, type Scenario } from '../simulator/scenario.js';
import type { GatewaySettings } from '../simulator/settings.js';
import type { DecodedLog } from '../telemetry/decision-log/log-document.js';
import { CliError } from './command.js';
import type { Load } from './load-file.js';
import { decideAgain, otherWriter, readLog } from './log-file.js';
import { loggedSettings } from './replay/logged-settings.js';
import { type LoggedLoad, recordedCalls, recordedOutages } from './replay/recorded-calls.js';
import { otherCosts, withCosts } from './replay/recorded-cost.js';
import { countText, drawnText, secondsText, spanOf, startOf } from './replay/replay-text.js';
import type { LoggedTraffic } from './replay/requests.js';

/**
 * A decision log as a load.
 *
 * @throws {@link CliError} when it cannot be read, or has no request.
 */
export function recordedLoad(file: string, bytes: Uint8Array): Load {
  const log = readLog(file, bytes);
  const traffic = decideAgain(file, log);
  if (traffic.requests.length === 0) throw new CliError(`${file} has no request: there is nothing to simulate`);
  const scenario = scenarioOf(file, log, traffic);
  const known = new Map<number, LoggedLoad>();
  const load = (seed: number): LoggedLoad => {
    const drawn = known.get(seed) ?? recordedCalls(log, traffic, seed);
    known.set(seed, drawn);
    return drawn;
  };
  return {
    name: scenario.name,
    seeds: scenario.seeds,
    recorded: (seed, gateway) => withCosts(load(seed).calls, otherCosts(traffic.requests, gateway).seats),
    notModelled: (gateway) => otherCosts(traffic.requests, gateway).notModelled,
    warnings: [...otherWriter(file, log), ...cutWhereItDiffers(file, log, traffic)],
    ownSettings: () => loggedSettings(log.settings),
    scenarioOn: (gateway, config) => {
      checkRoutes(traffic, gateway, config ?? file);
      // Requests of a pool that the gateway has not go to another one, which is not down.
      const events = scenario.events.filter((event) =>
        gateway.pools.some(({ name }) => 'pool' in event && event.pool === name),
      );
      return { ...scenario, events };
    },
    assumptions: ([seed = 1]) => assumptions(log, traffic, load(seed)),
  };
}

function scenarioOf(file: string, log: DecodedLog, traffic: LoggedTraffic): Scenario {
  const { difference } = traffic.outcome;
  const lastMs = difference?.logged.atMs ?? log.records.read(log.count - 1).atMs;
  // Whoever comes with the last record is within it.
  const durationMs = Math.floor(lastMs - startOf(log)) + 1;
  return {
    sluiceScenario: SCENARIO_VERSION,
    name: basename(file),
    description: '',
    durationMs,
    warmUpMs: 0,
    seeds: [1],
    cancelAtDeadline: true,
    streams: [],
    events: recordedOutages(log, traffic, durationMs),
    windows: [],
  };
}

function checkRoutes({ requests }: LoggedTraffic, { routes }: GatewaySettings, config: string): void {
  const names = routes.map(({ name }) => name);
  const missing = requests.find(({ route }) => !names.includes(route));
  if (missing === undefined) return;
  throw new CliError(`${config} has no route "${missing.route}", which the log has; ${listNames('routes', names)}`);
}

function cutWhereItDiffers(file: string, log: DecodedLog, { outcome: { difference } }: LoggedTraffic): string[] {
  if (difference === undefined) return [];
  const afterMs = difference.logged.atMs - startOf(log);
  return [
    `sluice: ${file}: this Sluice decides otherwise than the log from record ${difference.record} on, ` +
      `${secondsText(afterMs)} after the first: the load ends there`,
  ];
}

function assumptions(log: DecodedLog, { requests, events }: LoggedTraffic, { drawn, assumed }: LoggedLoad): string[] {
  const lines = [`The load is a log of ${spanOf(log)}. Estimates, queues and buckets begin as in a new process.`];
  lines.push(...drawnText(drawn, assumed));
  const fixed = requests.filter((request) => request.fixed && request.fate !== 'deadline_unreachable').length;
  if (fixed > 0) {
    lines.push(
      `${fixed === 1 ? '1 request was' : `${countText(fixed)} requests were`} refused by a circuit, by the event loop or at the end of the process: ` +
        'here all ask alike.',
    );
  }
  const resized = new Set(events.filter(({ kind }) => kind === 'resize').map(({ pool }) => pool));
  for (const pool of resized) lines.push(`The seats of ${pool} changed in the log; here they are as they are set.`);
  return lines;
}
