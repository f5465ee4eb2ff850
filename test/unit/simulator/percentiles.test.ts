import { describe, expect, it } from 'vitest';
import { Percentiles } from '../../../src/simulator/percentiles.js';

describe('Percentiles', () => {
  it('tells quantiles within half a percent, and 0 exactly', () => {
    const all = new Percentiles();
    for (let ms = 1; ms <= 10_000; ms++) all.add(ms);
    for (const part of [0.01, 0.5, 0.9, 0.99, 1]) {
      const exact = 10_000 * part;
      expect(Math.abs((all.quantile(part) ?? 0) / exact - 1), `${part}`).toBeLessThan(0.0055);
    }
    const none = new Percentiles();
    expect(none.quantile(0.5)).toBeUndefined();
    none.add(0);
    none.add(0);
    none.add(5);
    expect(none.quantile(0.5)).toBe(0);
  });

  it('adds up', () => {
    const [one, other] = [new Percentiles(), new Percentiles()];
    one.merge(other);
    expect(one.quantile(0.5)).toBeUndefined();
    for (const ms of [1, 2]) other.add(ms);
    one.merge(other);
    one.add(3);
    expect(one.count).toBe(3);
    expect(Math.abs((one.quantile(0.5) ?? 0) - 2)).toBeLessThan(0.02);
  });

  it('has room for a day and for what is longer', () => {
    const all = new Percentiles();
    all.add(1e12);
    expect(all.quantile(1)).toBeGreaterThan(86_000_000);
  });
});
