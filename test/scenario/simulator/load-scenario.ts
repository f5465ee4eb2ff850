import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isOptions } from '../../../src/cli/config-file.js';
import { settingsOf } from '../../../src/cli/simulator-settings.js';
import { readScenario } from '../../../src/simulator/read-scenario.js';
import type { Scenario } from '../../../src/simulator/scenario.js';
import type { GatewaySettings } from '../../../src/simulator/settings.js';

/** A scenario of the examples, with the gateway that it brings. */
export interface Loaded {
  readonly scenario: Scenario;
  readonly gateway: GatewaySettings;
}

export function load(file: string): Loaded {
  const path = fileURLToPath(new URL(`../../../examples/scenarios/${file}.json`, import.meta.url));
  const { scenario } = readScenario(readFileSync(path, 'utf8'), file);
  if (!isOptions(scenario.gateway)) throw new RangeError(`${file} brings no gateway`);
  return { scenario, gateway: settingsOf(scenario.gateway, {}) };
}
