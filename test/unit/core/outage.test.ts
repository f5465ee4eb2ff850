import { describe, expect, it } from 'vitest';
import { Outage } from '../../../src/core/outage.js';

type Event = 'begin' | 'end' | 'nothing';

describe('Outage', () => {
  it('lasts from the first loss to the first success, and is waited out from its start', () => {
    const outage = new Outage(2_000);
    const rows: [atMs: number, event: Event, down: boolean, lastedMs: number, leftMs: number, recovering: boolean][] = [
      [0, 'nothing', false, 0, 0, false],
      [0, 'end', false, 0, 0, false],
      [100, 'begin', true, 0, 2_000, false],
      [600, 'nothing', true, 500, 1_500, false],
      [600, 'begin', true, 500, 1_500, false],
      [50, 'nothing', true, 0, 2_050, false],
      [2_100, 'nothing', true, 2_000, 0, false],
      [9_000, 'nothing', true, 8_900, 0, false],
      [9_000, 'end', false, 0, 0, true],
      [10_999, 'nothing', false, 0, 0, true],
      [11_000, 'nothing', false, 0, 0, false],
      [11_000, 'end', false, 0, 0, false],
      [12_000, 'begin', true, 0, 2_000, false],
    ];
    for (const [atMs, event, ...expected] of rows) {
      if (event !== 'nothing') outage[event](atMs);
      const seen = [outage.down, outage.lastedMs(atMs), outage.leftToRideOutMs(atMs), outage.recovering(atMs)];
      expect(seen, `at ${atMs}, after ${event}`).toEqual(expected);
    }
  });

  it('is expected to be a session that ended for 50 ms, and then to last for as long as it is waited out', () => {
    const outage = new Outage(2_000);
    expect(outage.expectedMs(0)).toBe(0);
    outage.begin(100);
    expect([100, 149, 150, 1_100, 2_100, 2_500].map((atMs) => outage.expectedMs(atMs))).toEqual([
      50, 1, 1_950, 1_000, 0, 0,
    ]);
    const brief = new Outage(20);
    brief.begin(0);
    expect([0, 19, 20].map((atMs) => brief.expectedMs(atMs))).toEqual([20, 1, 0]);
    const never = new Outage(0);
    never.begin(0);
    expect(never.expectedMs(0)).toBe(0);
  });

  it('knows the instant at which those that wait are given up', () => {
    const outage = new Outage(500);
    expect(outage.givenUpAtMs).toBeUndefined();
    outage.begin(100);
    expect(outage.givenUpAtMs).toBe(600);
    outage.end(200);
    expect(outage.givenUpAtMs).toBeUndefined();
  });

  it('has been recovered from as soon as its backlog has drained', () => {
    const outage = new Outage(2_000);
    outage.begin(0);
    outage.end(100);
    expect(outage.recovering(101)).toBe(true);
    outage.recovered();
    expect(outage.recovering(101)).toBe(false);
  });

  it('is given up at once, and leaves nothing to recover from, where nothing is to be waited out', () => {
    const outage = new Outage(0);
    outage.begin(100);
    expect([outage.givenUpAtMs, outage.leftToRideOutMs(100)]).toEqual([100, 0]);
    outage.end(100);
    expect(outage.recovering(100)).toBe(false);
  });

  it('is given up for those that lack a connection likewise, but never for a session that ended', () => {
    const [long, none] = [new Outage(500), new Outage(0)];
    expect(long.connectionsGivenUpAtMs).toBeUndefined();
    for (const outage of [long, none]) outage.begin(100);
    expect([long.connectionsGivenUpAtMs, none.connectionsGivenUpAtMs]).toEqual([600, 150]);
  });
});
