import { describe, expect, it } from 'vitest';
import { ShareMeter } from '../../../src/simulator/share-meter.js';

describe('ShareMeter', () => {
  it('tells what a class had in the seconds in which it always waited', () => {
    const meter = new ShareMeter();
    meter.lease(0, 3, 2);
    meter.queue(500, 3, 1);
    meter.lease(2_500, 3, -1);
    meter.lease(3_000, 3, -1);
    meter.queue(4_200, 3, -1);
    meter.stop(9_000);
    // It waited through the second, third and fourth second, with 2, 1.5 and 0 seats of ten.
    expect(meter.report(3, 10)).toEqual({ seconds: 3, least: 0, mean: expect.closeTo(0.35 / 3, 9) });
    expect(meter.report(0, 10)).toBeUndefined();
  });

  it('counts no second in which somebody waited at its ends alone', () => {
    const meter = new ShareMeter();
    meter.queue(900, 2, 1);
    meter.queue(1_500, 2, -1);
    meter.queue(1_600, 2, 1);
    meter.queue(2_500, 2, -1);
    meter.stop(5_000);
    expect(meter.report(2, 10)).toBeUndefined();
  });
});
