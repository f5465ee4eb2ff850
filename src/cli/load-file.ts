import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Environment } from '../config/reading.js';
import type { RecordedCalls } from '../simulator/recorded-source.js';
import type { Scenario } from '../simulator/scenario.js';
import type { GatewaySettings } from '../simulator/settings.js';
import { isDecisionLog } from '../telemetry/decision-log/log-document.js';
import { loadScenarioModule, readFrom } from './config-file.js';
import { recordedLoad } from './recorded-load.js';
import { scenarioLoad } from './scenario-load.js';
import type { ConfiguredSettings } from './simulator-settings.js';

/** A load to simulate: a scenario, or what a decision log recorded. */
export interface Load {
  readonly name: string;
  /** Its seeds, where nobody gives others. */
  readonly seeds: readonly number[];
  /** Requests that come beside those of the scenario's streams. */
  readonly recorded?: ((seed: number, gateway: GatewaySettings) => RecordedCalls) | undefined;
  /** What is to be said before. */
  readonly warnings: readonly string[];
  /**
   * The settings of a gateway that the load brings with it.
   *
   * @throws ScenarioError when it brings none, CliError for mistakes in them.
   */
  ownSettings(env: Environment): GatewaySettings & Partial<ConfiguredSettings>;
  /**
   * The scenario on a gateway.
   *
   * @param config - The configuration file of the gateway; `undefined` where the load brings it.
   * @throws ScenarioError, or CliError, when the gateway lacks what the load names.
   */
  scenarioOn(gateway: GatewaySettings, config: string | undefined): Scenario;
  /** Paths of settings that are set, and that the load says nothing about. */
  notModelled(gateway: GatewaySettings): readonly string[];
  /** What was assumed of requests whose times nobody knows, a line each. */
  assumptions(seeds: readonly number[], gateway: GatewaySettings): readonly string[];
}

/**
 * Reads a load: a decision log, which its first bytes tell, or a scenario, as JSON or exported by a module.
 *
 * @throws CliError when it cannot be read; ScenarioError with the mistakes of a scenario by line.
 */
export async function loadLoad(file: string, cwd: string): Promise<Load> {
  const exported = await loadScenarioModule(file, cwd);
  // Its lines are not those of the module: the place is told in what it exports.
  if (exported !== undefined) return scenarioLoad(`${file}, as JSON`, exported.text, exported.leftOut);
  const bytes = await readBytes(file, cwd);
  return isDecisionLog(bytes) ? recordedLoad(file, bytes) : scenarioLoad(file, new TextDecoder().decode(bytes));
}

/** @throws CliError when there is no such file, or it cannot be read. */
export function readBytes(file: string, cwd: string): Promise<Uint8Array> {
  return readFrom(resolve(cwd, file), (path) => readFile(path));
}
