import { describe, expect, it } from 'vitest';
import { simulate } from '../../../src/simulator/simulate.js';
import { GATEWAY, offered, routeOf, spike, steady } from '../../support/workloads.js';
import reference from './results/reference.json' with { type: 'json' };
import { RIVALS, type RivalName, rivals } from './rivals.js';

// Two seeds of 130 s instead of three: what is left of the noise is in the bands.
const SEEDS = [1, 2];
const ROUTES = ['checkout', 'browse', 'report'] as const;

/**
 * Points of a percentage, and parts of a goodput. A discipline that collapses multiplies every difference of the load:
 * over 15 triples of seeds the reference itself spreads from 129.0 to 133.2 good/s on `fifo_expire_lazy` at 1.2, and
 * the tail of `wfq_servedtags_exp` starts from whatever the warm-up left.
 */
const BANDS = { steady: { points: 2.5, part: 0.03 }, collapsed: { points: 9, part: 0.09 } } as const;
const COLLAPSES: ReadonlySet<string> = new Set(['fifo_expire_lazy', 'fifo_unbounded', 'wfq_servedtags_exp']);
// 17 % of the offered load is beyond strict priority's capacity at 2: what little browse gets depends on the luck of checkout.
const SENSITIVE: ReadonlySet<string> = new Set(['prio_expire_lazy', 'wfq_arrivaltags_exp', 'prio_predict_p90']);

function bandOf(discipline: string): { readonly points: number; readonly part: number } {
  if (COLLAPSES.has(discipline)) return BANDS.collapsed;
  return SENSITIVE.has(discipline) ? { points: 4.5, part: 0.05 } : BANDS.steady;
}

function isRival(name: string): name is RivalName {
  return name in RIVALS;
}

describe.each(reference.disciplines)('$discipline at $load times the capacity', (row) => {
  it('comes out as in the reference program', () => {
    if (!isRival(row.discipline)) throw new RangeError(`no rival "${row.discipline}"`);
    const { checkout, browse, report: reports } = offered(row.load);
    const { report } = simulate({
      scenario: { ...steady(row.load), seeds: SEEDS },
      gateway: GATEWAY,
      createPolicy: rivals(row.discipline, [checkout, 0, browse, reports]),
    });
    const [whole] = report.windows;
    const band = bandOf(row.discipline);
    const differences = ROUTES.map((name) => routeOf(whole, name).successPercent - row[name].successPercent);
    expect(Math.max(...differences.map(Math.abs)), `points of success: ${differences}`).toBeLessThanOrEqual(
      band.points,
    );
    expect(Math.abs((whole?.total.goodPerSecond ?? 0) - row.goodPerSecond), 'good/s').toBeLessThanOrEqual(
      1 + band.part * row.goodPerSecond,
    );
    expect(Math.abs((whole?.total.usefulPercent ?? 0) - row.usefulPercent), 'useful %').toBeLessThanOrEqual(
      Math.max(2, band.points),
    );
  });
});

describe.each(reference.spike)('$discipline in a spike of the lowest class', (row) => {
  it('comes out as in the reference program', () => {
    if (!isRival(row.discipline)) throw new RangeError(`no rival "${row.discipline}"`);
    const { report } = simulate({
      scenario: { ...spike(), seeds: SEEDS },
      gateway: GATEWAY,
      createPolicy: rivals(row.discipline, [40, 0, 80, 20]),
    });
    const during = report.windows[1];
    const shares = ROUTES.map((name) => routeOf(during, name).successPercent - row[name]);
    expect(Math.max(...shares.map(Math.abs)), `points of success: ${shares}`).toBeLessThanOrEqual(3);
    expect(Math.abs((during?.total.goodPerSecond ?? 0) - row.goodPerSecond), 'good/s').toBeLessThanOrEqual(6);
  });
});
