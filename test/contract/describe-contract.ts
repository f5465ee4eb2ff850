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

/** The contract of `ConnectionPool`, tested on one engine. */
export function describeContract(engine: Engine): void {
  describe(`the pool contract on ${engine.name}`, () => {
    const bench = new Bench(engine);
    describe('borrowing', () => borrowing(bench));
    describe('life cycle', () => lifeCycle(bench));
    describe('growth', () => growth(bench));
    describe('endings', () => endings(bench));
    describe('sessions', () => sessions(bench));
    describe('sizing', () => sizing(bench));
    describe('mixed traffic', () => mixedTraffic(bench));
    describe('network', () => network(bench));
    describe('outages', () => outages(bench));
  });
}
