import { expect, it } from 'vitest';
import { simulate } from '../../../src/simulator/simulate.js';
import { GATEWAY, steady } from './workloads.js';

it('simulates at least 200,000 requests in a second of processor time, at four times the capacity', () => {
  const scenario = { ...steady(4), seeds: [1] };
  // Once for the compiler.
  simulate({ scenario: { ...scenario, durationMs: 30_000 }, gateway: GATEWAY });
  const before = process.cpuUsage();
  const { calls } = simulate({ scenario, gateway: GATEWAY }).report;
  const { user, system } = process.cpuUsage(before);
  const perSecond = (calls * 1e6) / (user + system);
  console.info(`${Math.round(perSecond)} simulated requests a second of processor time`);
  expect(perSecond).toBeGreaterThan(200_000);
});
