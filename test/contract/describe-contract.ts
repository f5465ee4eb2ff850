import { describe } from 'vitest';
import { Bench } from './bench.js';
import type { Engine } from './engine.js';
import { borrowing } from './suite/borrowing.js';
import { endings } from './suite/endings.js';
import { growth } from './suite/growth.js';
import { lifeCycle } from './suite/life-cycle.js';
import { mixedTraffic } from './suite/mixed-traffic.js';
import { network } from './suite/network.js';
import { outages } from './suite/outages.js';
import { sessions } from './suite/sessions.js';
import { sizing } from './suite/sizing.js';

/** The parts of the suite, by what they are about. Each gives its tests to a bench. */
export const SUITE: Readonly<Record<string, (bench: Bench) => void>> = {
  borrowing,
  'life cycle': lifeCycle,
  growth,
  endings,
  sessions,
  sizing,
  'mixed traffic': mixedTraffic,
  network,
  outages,
};

/** The contract of `ConnectionPool`, tested on one engine. */
export function describeContract(engine: Engine): void {
  describe(`the pool contract on ${engine.name}`, () => {
    const bench = new Bench(engine);
    bench.arrange();
    for (const [about, part] of Object.entries(SUITE)) describe(about, () => part(bench));
  });
}
