import { listNames } from '../config/names.js';
import type { GatewayOptions } from '../config/options.js';
import { ConfigError, formatProblem } from '../config/problem.js';
import type { Environment } from '../config/reading.js';
import { nearestName } from '../core/nearest.js';
import { PRIORITY_CLASSES, rankOf } from '../core/priority.js';
import { type ReadScenario, readScenario } from '../simulator/read-scenario.js';
import type { Scenario } from '../simulator/scenario.js';
import type { GatewaySettings } from '../simulator/settings.js';
import { isOptions } from './config-file.js';
import type { Load } from './load-file.js';
import { callersUnknown } from './not-modelled.js';
import { type ConfiguredSettings, settingsOf } from './simulator-settings.js';

/**
 * A scenario as a load.
 *
 * @param warnings - What is to be said of the file before.
 *
 * @throws ScenarioError with its mistakes by line.
 */
export function scenarioLoad(file: string, text: string, warnings: readonly string[] = []): Load {
  const read = readScenario(text, file, nearestName);
  const { scenario, mistake } = read;
  return {
    name: scenario.name,
    seeds: scenario.seeds,
    warnings,
    ownSettings: (env) => {
      const { gateway } = scenario;
      if (!isOptions(gateway)) throw mistake([], 'brings no "gateway"; name a configuration with --config <file>');
      return ownSettings(read, gateway, env);
    },
    scenarioOn: (gateway, config) => {
      checkNames(read, gateway, config);
      checkReclaim(read, gateway);
      return scenario;
    },
    notModelled: (gateway) => callersUnknown(gateway, scenario.streams),
    assumptions: (_, gateway) => assumptions(scenario, gateway),
  };
}

/** A mistake in the gateway that a scenario brings is told by its line, one in the environment by its variable. */
function ownSettings({ mistakes }: ReadScenario, gateway: GatewayOptions, env: Environment): ConfiguredSettings {
  try {
    return settingsOf(gateway, env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw mistakes(
      error.problems.map((problem) => {
        const { where } = problem;
        const path = where in env ? [] : where.split('.');
        return {
          path: ['gateway', ...path],
          where: '',
          message: formatProblem(path.length === 0 ? problem : { ...problem, where: `gateway.${where}` }),
        };
      }),
    );
  }
}

/** Checks that a gateway has what a scenario names; a mistake names the line and the nearest name that exists. */
function checkNames({ scenario, mistake }: ReadScenario, gateway: GatewaySettings, config: string | undefined): void {
  const routes = gateway.routes.map(({ name }) => name);
  const pools = gateway.pools.map(({ name }) => name);
  const check = (path: readonly PropertyKey[], name: string, kind: 'route' | 'pool'): void => {
    const known = kind === 'route' ? routes : pools;
    if (known.includes(name)) return;
    const nearest = nearestName(name, known);
    const hint = nearest === undefined ? listNames(`${kind}s`, known) : `did you mean ${nearest}?`;
    const where = config === undefined ? 'its gateway' : config;
    throw mistake(path, `${where} has no ${kind} "${name}"; ${hint}`);
  };
  for (const [place, { route }] of scenario.streams.entries()) check(['streams', place, 'route'], route, 'route');
  for (const [place, event] of scenario.events.entries()) {
    if ('pool' in event) check(['events', place, 'pool'], event.pool, 'pool');
    if (event.kind !== 'config') continue;
    for (const name of Object.keys(event.pools ?? {})) check(['events', place, 'pools', name], name, 'pool');
    for (const name of Object.keys(event.routes ?? {})) check(['events', place, 'routes', name], name, 'route');
  }
}

/** The class that a reclaim is measured by must have requests, or it would say 0. */
function checkReclaim({ scenario, mistake }: ReadScenario, gateway: GatewaySettings): void {
  const { reclaim, streams } = scenario;
  if (reclaim === undefined) return;
  const ranks = new Set(
    gateway.routes.filter(({ name }) => streams.some(({ route }) => route === name)).map(({ rank }) => rank),
  );
  if (ranks.has(rankOf(reclaim.class))) return;
  const classes = [...ranks].sort((one, other) => one - other).map((rank) => PRIORITY_CLASSES[rank] ?? '');
  throw mistake(
    ['reclaim', 'class'],
    `no stream comes to a route of class ${reclaim.class}; ${listNames('classes of the streams', classes)}`,
  );
}

/** What was assumed of streams that do not tell how long their requests take. */
function assumptions({ streams }: Scenario, { routes }: GatewaySettings): string[] {
  const silent = new Set(streams.filter(({ service }) => service === undefined).map(({ route }) => route));
  return [...silent].map((name) => {
    const expectedMs = routes.find((route) => route.name === name)?.expectedMs;
    const from =
      expectedMs === undefined
        ? '50 ms, as neither the scenario nor expectedMs tells'
        : `its expectedMs, ${expectedMs} ms`;
    return `${name}: service times assumed exponential around ${from}`;
  });
}
