import { beforeAll, describe, expect, it } from 'vitest';
import { ablations } from '../../../src/simulator/ablation.js';
import type { GroupReport, Report, WindowReport } from '../../../src/simulator/report.js';
import { simulate } from '../../../src/simulator/simulate.js';
import { CAPACITY } from '../../support/workloads.js';
import { type Loaded, load } from './load-scenario.js';

function classOf(window: WindowReport | undefined, name: string): GroupReport {
  const group = window?.classes.find((each) => each.name === name);
  if (group === undefined) throw new RangeError(`nothing of class ${name} was offered`);
  return group;
}

/** Points of success that a class is below what its service times alone allow. */
function gap(window: WindowReport | undefined, name: string): number {
  const { ceilingPercent, successPercent } = classOf(window, name);
  return ceilingPercent - successPercent;
}

// The reference programs let work run on past its deadline; the product cancels it. The bars hold for both.
describe.each([
  { file: 'w02-sustained-2x', cancelAtDeadline: true, checkoutGap: 0.5, shedP99Ms: 200 },
  { file: 'w02-sustained-2x', cancelAtDeadline: false, checkoutGap: 0.5, shedP99Ms: 200 },
  { file: 'w02-sustained-4x', cancelAtDeadline: true, checkoutGap: 1.5, shedP99Ms: 450 },
  { file: 'w02-sustained-4x', cancelAtDeadline: false, checkoutGap: 1.5, shedP99Ms: 450 },
])('$file, work cancelled at its deadline: $cancelAtDeadline', ({ file, cancelAtDeadline, checkoutGap, shedP99Ms }) => {
  let report: Report;
  let whole: WindowReport | undefined;
  beforeAll(() => {
    const { scenario, gateway } = load(file);
    ({ report } = simulate({ scenario: { ...scenario, cancelAtDeadline }, gateway }));
    [whole] = report.windows;
  });

  it('goodput is at least 98 % of the capacity', () => {
    expect(whole?.total.goodPerSecond).toBeGreaterThanOrEqual(0.98 * CAPACITY);
  });

  it('at least 90 % of the work is useful', () => {
    expect(whole?.total.usefulPercent).toBeGreaterThanOrEqual(90);
  });

  it(`checkout is within ${checkoutGap} points of its uncontended ceiling`, () => {
    expect(gap(whole, 'critical')).toBeLessThanOrEqual(checkoutGap);
  });

  it('the lowest class has at least its minimum while it waits', () => {
    const low = report.pools[0]?.shares.find((share) => share.class === 'low');
    expect(low?.mean).toBeGreaterThanOrEqual(low?.minimum ?? 1);
  });

  it(`refusals come after 50 ms (p50) and ${shedP99Ms} ms (p99) at the latest`, () => {
    expect(whole?.total.shed.p50Ms).toBeLessThanOrEqual(50);
    expect(whole?.total.shed.p99Ms).toBeLessThanOrEqual(shedP99Ms);
    expect(whole?.total.shedFromQueue.p50Ms).toBeLessThanOrEqual(50);
    expect(whole?.total.shedFromQueue.p99Ms).toBeLessThanOrEqual(shedP99Ms);
  });

  it('what the lower classes get is within 0.02 of the max-min division of it', () => {
    expect(whole?.fairnessMargin).toBeLessThanOrEqual(0.02);
  });
});

describe('w03-spike-lowest', () => {
  it('checkout is within 0.2 points of its ceiling, the first second included', () => {
    const [, during, first] = simulate(load('w03-spike-lowest')).report.windows;
    expect(gap(during, 'critical')).toBeLessThanOrEqual(0.2);
    expect(gap(first, 'critical')).toBeLessThanOrEqual(0.2);
  });
});

describe('w02-step-10x', () => {
  it('the waits of checkout are back inside the target within 250 ms of the step', () => {
    expect(simulate(load('w02-step-10x')).report.reclaimMs).toBeLessThanOrEqual(250);
  });
});

describe('w04-surge-all', () => {
  it('the lower classes have their minima in a surge of 10 s after a quiet time', () => {
    // Ten runs: the lowest class waits all of a second in few of those ten.
    const { scenario, gateway } = load('w04-surge-all');
    const seeds = Array.from({ length: 10 }, (_, before) => before + 1);
    const shares = simulate({ scenario: { ...scenario, seeds }, gateway }).report.pools[0]?.shares ?? [];
    expect(shares.map((share) => share.class)).toEqual(['critical', 'normal', 'low']);
    for (const share of shares) expect(share.mean).toBeGreaterThanOrEqual(share.minimum);
  });
});

describe('w09-loud-tenant', () => {
  // Without the loud one the others would be served no better: what they lack then, more important work takes.
  it('21 tenants are within 0.02 of the max-min division of what they get', () => {
    expect(simulate(load('w09-loud-tenant')).report.tenants[0]?.fairnessMargin).toBeLessThanOrEqual(0.02);
  });
});

describe('w09-invented-keys', () => {
  it('costs those who come again and again half a point at most, though nobody was known before', () => {
    const { scenario, gateway } = load('w09-invented-keys');
    const [whole] = simulate({ scenario: { ...scenario, seeds: [1] }, gateway }).report.windows;
    const honest = whole?.routes.find(({ name }) => name === 'honest');
    expect(honest?.successPercent).toBeGreaterThanOrEqual((honest?.ceilingPercent ?? 100) - 0.5);
  });
});

describe('w10-elephants', () => {
  it('116 tenants are within 0.02 of the max-min division of what they get', () => {
    expect(simulate(load('w10-elephants')).report.tenants[0]?.fairnessMargin).toBeLessThanOrEqual(0.02);
  });
});

/** One run with a limit that adapts from so many seats on, or with as many seats as are given. */
function runWith({ scenario, gateway }: Loaded, pool: { seats?: number; adaptiveFrom?: number }, seed = 1): Report {
  const pools = gateway.pools.map((each) => ({ ...each, adaptiveFrom: undefined, ...pool }));
  return simulate({ scenario: { ...scenario, seeds: [seed] }, gateway: { ...gateway, pools } }).report;
}

const goodput = ({ windows }: Report): number => windows[0]?.total.goodPerSecond ?? 0;

describe('a limit that adapts', () => {
  it('w14-hot-row: ends at 4 of 16 seats at most, and does more than 16 seats do', () => {
    const loaded = load('w14-hot-row');
    const adapted = runWith(loaded, { adaptiveFrom: 2 });
    expect(adapted.pools[0]?.seatsAtEnd).toBeLessThanOrEqual(4);
    expect(goodput(adapted)).toBeGreaterThan(goodput(runWith(loaded, { seats: 16 })));
  });

  it.each([1, 2, 3])('w14-hot-row, seed %s: is within 5 %% of the best fixed size', (seed) => {
    const loaded = load('w14-hot-row');
    const best = Math.max(...[1, 2, 3, 4, 8].map((seats) => goodput(runWith(loaded, { seats }, seed))));
    expect(goodput(runWith(loaded, { adaptiveFrom: 2 }, seed))).toBeGreaterThanOrEqual(0.95 * best);
  });

  it.each([
    ['w08-slow-drift', 1],
    ['w08-slow-drift', 2],
    ['w02-sustained-1-2x', 2],
    ['w02-sustained-4x', 2],
    ['w12-slow-readers', 1],
    ['w13-half-capacity', 1],
  ])('%s, seed %s: stays where the work only waits', (file, seed) => {
    const loaded = load(file);
    const adapted = runWith(loaded, { adaptiveFrom: 2 }, seed);
    expect(goodput(adapted)).toBeGreaterThanOrEqual(0.97 * goodput(runWith(loaded, {}, seed)));
    expect(adapted.pools[0]?.seatsAtEnd).toBe(10);
  });

  it('w07-stable-timeouts: stays at the size of the pool', () => {
    expect(runWith(load('w07-stable-timeouts'), { adaptiveFrom: 2 }).pools[0]?.seatsAtEnd).toBe(10);
  });
});

describe('one factor at a time', () => {
  const { scenario, gateway } = load('w02-sustained-2x');
  const run = (discipline: object): Report =>
    simulate({ scenario: { ...scenario, seeds: [1], cancelAtDeadline: false }, gateway, discipline }).report;
  const variants = new Map(ablations().map(({ name, discipline }) => [name, discipline]));
  const of = (name: string): WindowReport | undefined => run(variants.get(name) ?? {}).windows[0];

  it('without any of them it is the strict priority of the reference: 122 good/s, 42 % useful, no reports', () => {
    const none = of('none');
    expect(Math.abs((none?.total.goodPerSecond ?? 0) - 122)).toBeLessThan(8);
    expect(Math.abs((none?.total.usefulPercent ?? 0) - 42)).toBeLessThan(4);
    expect(classOf(none, 'low').good).toBe(0);
  });

  it('the queue is short because of eviction, and its refusals early', () => {
    expect(of('without eviction')?.total.shed.p50Ms).toBeGreaterThan(
      (5 * (of('whole')?.total.shedFromQueue.p50Ms ?? 1e9)) / 2,
    );
  });

  it('the lowest class gets something because of the minima', () => {
    expect(classOf(of('without minima'), 'low').successPercent).toBeLessThan(
      classOf(of('whole'), 'low').successPercent / 4,
    );
  });

  it('those who are served wait little because the newest are served first', () => {
    expect(of('without lifo')?.total.shedFromQueue.p50Ms).toBeGreaterThan(300);
  });

  it.each([
    { file: 'w02-short-queue-2x', mechanism: 'displacement', lost: 'a queue of ten is full of browsing and reports' },
    { file: 'w03-spike-long-reports', mechanism: 'headroom', lost: 'all seats are taken by reports' },
  ])('$file: checkouts are served because of $mechanism; without, $lost', ({ file, mechanism }) => {
    const { scenario: base, gateway: options } = load(file);
    const one = { scenario: { ...base, seeds: [1] }, gateway: options };
    const without = simulate({ ...one, discipline: variants.get(`without ${mechanism}`) }).report.windows.at(-1);
    expect(gap(simulate(one).report.windows.at(-1), 'critical')).toBeLessThanOrEqual(0.5);
    expect(gap(without, 'critical')).toBeGreaterThan(10);
  });
});
