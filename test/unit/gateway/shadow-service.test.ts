import { expect, it } from 'vitest';
import { Stalls } from '../../../src/core/stalls.js';
import { ShadowService } from '../../../src/gateway/shadow-service.js';

it('counts the stalls of its service, and none of those during its waits', () => {
  const stalls = new Stalls();
  const service = new ShadowService({ stalledMs: (fromMs, toMs) => stalls.within(fromMs, toMs) });
  service.start(0);
  stalls.note(60, 50);
  service.pause(100);
  // More of them than are remembered.
  for (let nowMs = 200; nowMs <= 20_000; nowMs += 200) stalls.note(nowMs, 150);
  expect([service.servedMs(20_000), service.stalledMs(20_000)]).toEqual([100, 50]);
  service.resume(20_000);
  stalls.note(20_030, 20);
  expect([service.servedMs(20_040), service.stalledMs(20_040)]).toEqual([140, 70]);
  service.pause(20_040);
  service.pause(20_050);
  stalls.note(20_060, 10);
  service.resume(20_070);
  expect([service.servedMs(20_080), service.stalledMs(20_080)]).toEqual([140, 70]);
  service.resume(20_080);
  expect([service.servedMs(20_100), service.stalledMs(20_100)]).toEqual([160, 70]);
});
