import { describe, expect, it } from 'vitest';
import { type Random, seededRandom } from '../load/random.js';
import { latencies, PoolModel, quantile, type Trace } from './pool-model.js';

const SEATS = 10;
const SERVICE_MS = 20;
const CAPACITY = (SEATS * 1_000) / SERVICE_MS;
const DEADLINE_MS = 500;
const WARM_MS = 5_000;
const END_MS = 35_000;

/** Service times with a tail: exponential around their mean. */
const exponential = (random: Random, meanMs: number) => () => -Math.log(1 - random()) * meanMs;

interface Outcome {
  /** Answers in time, per second, after the warm-up. */
  readonly goodput: number;
  readonly traces: readonly Trace[];
  readonly model: PoolModel;
}

function overload(factor: number, seed: number, service: 'fixed' | 'exponential'): Outcome {
  const model = new PoolModel(SEATS, { work: { priority: 'critical', deadlineMs: DEADLINE_MS } });
  const random = seededRandom(seed);
  const serviceMs = service === 'fixed' ? () => SERVICE_MS : exponential(random, SERVICE_MS);
  model.load('work', CAPACITY * factor, END_MS, random, serviceMs);
  model.clock.runUntil(END_MS);
  const good = model.traces.filter(
    ({ refusal, arrivedAtMs, answeredAtMs }) =>
      refusal === undefined &&
      answeredAtMs !== undefined &&
      answeredAtMs - arrivedAtMs <= DEADLINE_MS &&
      answeredAtMs > WARM_MS,
  );
  const goodput = (good.length * 1_000) / (END_MS - WARM_MS);
  model.clock.runUntil(END_MS + 2 * DEADLINE_MS);
  return { goodput, traces: model.traces.filter(({ arrivedAtMs }) => arrivedAtMs > WARM_MS), model };
}

describe.each(['fixed', 'exponential'] as const)('ten seats of 20 ms (%s), offered too much', (service) => {
  it.each([
    { factor: 2, share: 0.95 },
    { factor: 5, share: 0.95 },
    { factor: 20, share: 0.95 },
  ])('$factor times: at least $share of the capacity is answered in time', ({ factor, share }) => {
    const { goodput } = overload(factor, 1, service);
    expect(goodput).toBeGreaterThan(share * CAPACITY);
  });

  it('twice: who is refused hears of it early', () => {
    const refused = overload(2, 2, service).traces.filter(({ refusal }) => refusal !== undefined);
    expect(refused.length).toBeGreaterThan(10_000);
    // The queue of a critical route with 500 ms holds a quarter of that: who stays at its old end leaves after about it.
    expect(quantile(latencies(refused), 0.5)).toBeLessThanOrEqual(DEADLINE_MS / 4);
    expect(quantile(latencies(refused), 0.99)).toBeLessThanOrEqual(200);
    expect(new Set(refused.map(({ refusal }) => refusal?.outcome))).toEqual(new Set(['not_started']));
  });

  it('twice: everybody is answered, once, and nothing is left', () => {
    const { traces, model } = overload(2, 3, service);
    expect(traces.filter(({ answeredAtMs, expiredAtMs }) => (answeredAtMs ?? expiredAtMs) === undefined)).toEqual([]);
    const { bulkhead } = model.gate;
    expect([bulkhead.inFlight, bulkhead.queued]).toEqual([0, 0]);
    const stats = model.stats('work');
    expect(stats.arrived).toBe(stats.admitted + stats.shed);
    expect(stats.admitted).toBe(stats.ended);
  });

  it('the same seed tells the same tale', () => {
    const tale = () =>
      overload(3, 4, service).traces.map(({ refusal, answeredAtMs }) => `${refusal?.code} ${answeredAtMs}`);
    expect(tale()).toEqual(tale());
  });
});

describe('callers who come back as soon as they are answered', () => {
  it.each([
    { callers: 20, seats: 4, serviceMs: 20, priority: 'normal' },
    { callers: 20, seats: 4, serviceMs: 2, priority: 'normal' },
    { callers: 6, seats: 4, serviceMs: 10, priority: 'critical' },
    { callers: 32, seats: 16, serviceMs: 20, priority: 'critical' },
  ] as const)(
    '$callers of them on $seats seats ($priority, $serviceMs ms): all are served, in turn',
    ({ callers, seats, serviceMs, priority }) => {
      const model = new PoolModel(seats, { work: { priority, deadlineMs: 1_000 } });
      const come = (): void => void model.request('work', serviceMs);
      // They come back in another turn of the loop, so that the queue is all that keeps the seats at work.
      model.onServed = () => model.clock.input(0.1, come);
      for (let caller = 0; caller < callers; caller++) model.clock.input(caller / 10, come);
      model.clock.runUntil(10_000);
      expect(model.traces.length).toBeGreaterThan((0.9 * 10_000 * seats) / serviceMs);
      expect(model.traces.filter(({ refusal, expiredAtMs }) => refusal !== undefined || expiredAtMs)).toEqual([]);
      const turnMs = ((callers + 1) / seats) * serviceMs;
      expect(quantile(latencies(model.traces), 1)).toBeLessThanOrEqual(turnMs + serviceMs);
    },
  );
});

describe('a flood of reports on the pool of the checkout', () => {
  const REPORT_MS = 300;
  const answered = (model: PoolModel, route: string): Trace[] =>
    model.traces.filter(
      (trace) =>
        trace.route === route &&
        trace.refusal === undefined &&
        trace.answeredAtMs !== undefined &&
        trace.arrivedAtMs > WARM_MS,
    );

  function flood(reportsPerSecond: number): PoolModel {
    const model = new PoolModel(16, {
      checkout: { priority: 'critical', deadlineMs: DEADLINE_MS },
      report: { priority: 'low', deadlineMs: 30_000 },
    });
    const random = seededRandom(5);
    model.load('checkout', 100, END_MS, random, exponential(random, SERVICE_MS));
    if (reportsPerSecond > 0) model.load('report', reportsPerSecond, END_MS, random, () => REPORT_MS);
    model.clock.runUntil(END_MS);
    return model;
  }

  it('ten times what fits: checkout stays as fast as alone, and reports are served', () => {
    const alone = quantile(latencies(answered(flood(0), 'checkout')), 0.99);
    const model = flood((10 * 16 * 1_000) / REPORT_MS);
    const beside = quantile(latencies(answered(model, 'checkout')), 0.99);
    expect(beside).toBeLessThanOrEqual(alone + 30);
    expect(model.stats('checkout').shed).toBe(0);
    const reportsPerSecond = (answered(model, 'report').length * 1_000) / (END_MS - WARM_MS);
    // At least half of what the seats could do without the checkouts.
    expect(reportsPerSecond).toBeGreaterThan((0.5 * 16 * 1_000) / REPORT_MS);
  });
});
