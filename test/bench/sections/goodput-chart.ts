import { barChart } from '../../load/svg-chart.js';
import { RIVALS } from '../rivals/names.js';
import { spreadOf } from '../support/statistics.js';
import { FACTORS, type GoodputData, goodOf, titleOf } from './goodput-summary.js';

/** The section as a picture: checkouts answered in time, by contender and load, against the capacity. */
export function goodputChart(data: GoodputData): string {
  const capacity = spreadOf(data.capacities.map(({ before, after }) => (before + after) / 2)).median;
  return barChart({
    title: 'Checkouts answered in time, beside a report storm',
    unit: 'per second',
    series: FACTORS.map((factor) => `${factor} times the capacity offered`),
    groups: (['sluice', ...RIVALS] as const).map((contender) => ({
      label: titleOf(contender),
      bars: FACTORS.map((factor) => {
        const { median, min, max } = goodOf(data, contender, factor);
        return { value: median, min, max };
      }),
    })),
    line: { label: 'capacity', value: capacity },
  });
}
