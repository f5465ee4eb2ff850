import { describe, expect, it } from 'vitest';
import { barChart, lineChart } from '../../load/svg-chart.js';

function heights(svg: string): number[] {
  // The first rectangle is the page, then one for each series in the legend (10 by 10).
  const all = [...svg.matchAll(/<rect [^>]*height="([\d.]+)"/g)].map((match) => Number(match[1]));
  return all.slice(1).filter((height) => height !== 10);
}

describe('barChart', () => {
  const svg = barChart({
    title: 'A & B',
    unit: 'per second',
    series: ['twice', 'five times'],
    groups: [
      { label: 'Sluice', bars: [{ value: 100, min: 90, max: 110 }, { value: 50 }] },
      { label: 'one pool', bars: [{ value: 0 }, { value: 25 }] },
    ],
    line: { label: 'capacity', value: 105 },
  });

  it('draws heights in proportion', () => {
    const [whole = 0, half = 0, none, quarter = 0] = heights(svg);
    expect(half / whole).toBeCloseTo(0.5, 2);
    expect(quarter / whole).toBeCloseTo(0.25, 2);
    expect(none).toBe(0);
  });

  it('escapes what it is given and names series, groups and the line', () => {
    expect(svg).toContain('A &amp; B');
    for (const text of ['twice', 'five times', 'Sluice', 'one pool', 'capacity'])
      expect(svg).toContain(`>${text}</text>`);
  });
});

describe('lineChart', () => {
  it('draws nothing outside the page, also without a value', () => {
    for (const points of [
      [],
      [[0, 0]],
      [
        [0, 1_234],
        [15, 7],
      ],
    ] as [number, number][][]) {
      const svg = lineChart({ title: 't', unit: 'u', across: 's', lines: [{ label: 'l', points }] });
      expect(svg).not.toContain('NaN');
      for (const [, x, y] of svg.matchAll(/([\d.]+),([\d.]+)/g)) {
        expect(Number(x)).toBeLessThanOrEqual(860);
        expect(Number(y)).toBeLessThanOrEqual(376);
      }
    }
  });
});
