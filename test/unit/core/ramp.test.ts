import { describe, expect, it } from 'vitest';
import { FIRST_SHARE, type IllReason, Ramp, type RampSettings } from '../../../src/core/ramp.js';

const SETTINGS: RampSettings = { stepMs: 1_000, quickCalls: 20, badFrom: { failure: 0.5, slow: 0.25 } };

type Row = readonly [nowMs: number, good: number, bad: number, share: number, reason?: IllReason];

/** Each row: at this instant so many calls end well and so many badly, and this is the share then. */
function play(rows: readonly Row[], settings: RampSettings = SETTINGS): void {
  const ramp = new Ramp(settings, 0);
  for (const [nowMs, good, bad, share, reason = 'failure'] of rows) {
    for (let n = 0; n < good; n++) ramp.settle(nowMs, nowMs, undefined);
    for (let n = 0; n < bad; n++) ramp.settle(nowMs, nowMs, reason);
    expect([nowMs, ramp.share]).toEqual([nowMs, share]);
  }
}

describe('Ramp', () => {
  it('doubles with every step in which something went well, and nothing badly', () => {
    play([
      [0, 1, 0, 0.05],
      [999, 1, 0, 0.05],
      [1_000, 1, 0, 0.1],
      [2_000, 1, 0, 0.2],
      [3_000, 1, 0, 0.4],
      [4_000, 1, 0, 0.8],
      [5_000, 1, 0, 1],
    ]);
  });

  it('is four times as quick where many calls go well', () => {
    play([
      [0, 20, 0, 0.05],
      [249, 1, 0, 0.05],
      [250, 1, 0, 0.1],
      [400, 100, 0, 0.1],
      [500, 1, 0, 0.2],
      [750, 20, 0, 0.4],
      [1_000, 19, 0, 0.4],
      [1_000, 1, 0, 0.8],
      [1_250, 20, 0, 1],
    ]);
  });

  it('proves nothing by a step in which nothing was tried', () => {
    play([
      [60_000, 0, 0, 0.05],
      [60_000, 1, 0, 0.1],
      [61_500, 1, 0, 0.2],
    ]);
  });

  it('halves with a bad step, before its end when three calls went badly', () => {
    play([
      [1_000, 1, 0, 0.1],
      [2_000, 1, 0, 0.2],
      [2_100, 2, 2, 0.2],
      [2_200, 0, 1, 0.1],
      [3_200, 0, 1, 0.05],
    ]);
  });

  it('fails when its first step is a bad one', () => {
    play([
      [100, 0, 2, 0.05],
      [100, 0, 1, 0],
      [5_000, 100, 0, 0],
    ]);
  });

  it.each<[IllReason, good: number, share: number]>([
    ['failure', 4, 0],
    ['failure', 5, 0.05],
    ['slow', 11, 0],
    ['slow', 13, 0.05],
  ])('judges a step by the threshold of the reason: 4 of %s beside %d good ones leave %d', (reason, good, share) => {
    play([[100, good, 4, share, reason]]);
  });

  it('climbs on with a failure here and there', () => {
    play(
      Array.from(
        { length: 5 },
        (_, step): Row => [(step + 1) * 1_000, 9, 1, Math.min(1, FIRST_SHARE * 2 ** (step + 1))],
      ),
    );
  });

  it('hears no more of calls that were let through before it stepped down', () => {
    const ramp = new Ramp(SETTINGS, 0);
    ramp.settle(1_000, 0, undefined);
    ramp.settle(2_000, 1_000, undefined);
    expect(ramp.share).toBe(0.2);
    // All 16 connections fail at once: one step down, not five.
    for (let call = 0; call < 16; call++) ramp.settle(2_300, 2_100, 'failure');
    expect(ramp.share).toBe(0.1);
    ramp.settle(3_400, 2_350, undefined);
    expect(ramp.share).toBe(0.2);
  });

  it.each<[nowMs: number, share: number, ms: number]>([
    [0, 0.05, 0],
    [0, 0.06, 1_000],
    [400, 0.1, 600],
    [400, 0.4, 2_600],
    [400, 1, 4_600],
    [9_000, 0.2, 1_000],
  ])('at %d ms says that a share of %d is %d ms away', (nowMs, share, ms) => {
    expect(new Ramp(SETTINGS, 0).msUntil(nowMs, share)).toBe(ms);
  });
});
