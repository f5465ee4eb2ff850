import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { listNames } from '../config/names.js';
import { nearestName } from '../config/nearest.js';
import { type ReadScenario, readScenario } from '../simulator/read-scenario.js';
import type { GatewaySettings } from '../simulator/settings.js';
import { CliError } from './command.js';

/**
 * Reads a scenario file.
 *
 * @throws {@link CliError} when it is not there; ScenarioError with its mistakes by line.
 */
export async function loadScenario(file: string, cwd: string): Promise<ReadScenario> {
  const text = await readFile(resolve(cwd, file), 'utf8').catch((error: unknown) => {
    throw new CliError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  });
  return readScenario(text, file, nearestName);
}

/**
 * Checks that a gateway has what a scenario names.
 *
 * @throws ScenarioError naming the line and the nearest name that exists.
 */
export function checkNames({ scenario, mistake }: ReadScenario, gateway: GatewaySettings): void {
  const routes = gateway.routes.map(({ name }) => name);
  const pools = gateway.pools.map(({ name }) => name);
  const check = (path: readonly PropertyKey[], name: string, kind: 'route' | 'pool'): void => {
    const known = kind === 'route' ? routes : pools;
    if (known.includes(name)) return;
    const nearest = nearestName(name, known);
    const hint = nearest === undefined ? listNames(`${kind}s`, known) : `did you mean ${nearest}?`;
    throw mistake(path, `no such ${kind}; ${hint}`);
  };
  for (const [place, { route }] of scenario.streams.entries()) check(['streams', place, 'route'], route, 'route');
  for (const [place, event] of scenario.events.entries()) {
    if ('pool' in event) check(['events', place, 'pool'], event.pool, 'pool');
    if (event.kind !== 'config') continue;
    for (const name of Object.keys(event.pools ?? {})) check(['events', place, 'pools', name], name, 'pool');
    for (const name of Object.keys(event.routes ?? {})) check(['events', place, 'routes', name], name, 'route');
  }
}
