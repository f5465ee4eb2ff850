import { systemClock } from '../../../src/clock.js';
import { Fleet, type FleetOptions } from '../../../src/fleet/fleet.js';

/** A fleet of one process, with what it warned of. */
export interface TestFleet {
  readonly fleet: Fleet;
  readonly warnings: [code: string, message: string][];
}

/** Opens a fleet on a real Redis. */
export async function openFleet(url: string, options: Partial<FleetOptions> = {}): Promise<TestFleet> {
  const warnings: [string, string][] = [];
  const fleet = await Fleet.open({
    name: 'test',
    url,
    syncMs: 20,
    instances: 1,
    clock: systemClock,
    random: Math.random,
    warn: (code, message) => warnings.push([code, message]),
    ...options,
  });
  return { fleet, warnings };
}
