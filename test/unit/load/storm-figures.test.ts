import { describe, expect, it } from 'vitest';
import { figuresOf } from '../../../examples/storm/figures.js';
import { stormCaution, stormPlot, stormSentence, stormSvg, stormTable } from '../../../examples/storm/show.js';
import { RUN_MS, surgePlan } from '../../../examples/storm/surge.js';
import type { LoadResult, StreamResult } from '../../load/plan.js';
import { Tally } from '../../load/tally.js';
import { validatePlan } from '../../load/validate-plan.js';

type Call = [intendedMs: number, latencyMs: number, status: number];

function resultOf(calls: Readonly<Record<string, readonly Call[]>>, sentLateMs = 1): LoadResult {
  const streams: StreamResult[] = surgePlan(3_000, 1).streams.map((plan) => {
    const tally = new Tally(plan, { fromMs: 0, toMs: RUN_MS });
    for (const [intendedMs, latencyMs, status] of calls[plan.name] ?? []) {
      tally.sent(intendedMs, intendedMs + sentLateMs);
      if (status === 0) tally.unanswered(intendedMs, intendedMs + latencyMs, 'timeout');
      else tally.answered(intendedMs, intendedMs + latencyMs, status, '');
    }
    return tally.result();
  });
  return { startedAtEpochMs: 0, windowSeconds: 15, streams, generatorCpu: 0, socketsOpened: 0, socketsAtOnce: 0 };
}

const without = figuresOf(
  resultOf({
    usual: [
      [100, 20, 201],
      [5_100, 501, 201],
    ],
    surge: [
      [5_200, 5_000, 0],
      [5_300, 500, 201],
    ],
  }),
  0.4,
);
const guarded = figuresOf(
  resultOf({
    usual: [
      [100, 20, 201],
      [5_100, 40, 201],
    ],
    surge: [
      [5_200, 10, 503],
      [5_300, 60, 201],
    ],
    reports: [[5_000, 1_500, 200]],
  }),
  0.5,
);

describe('the figures of the storm', () => {
  it('add up both streams of checkouts', () => {
    expect(without).toMatchObject({ asked: 4, inTime: 2, late: 1, refused: 0, unanswered: 1, reportsServed: 0 });
    expect(guarded).toMatchObject({ asked: 4, inTime: 3, late: 0, refused: 1, unanswered: 0, reportsServed: 1 });
    expect(guarded.refusals.p99Ms).toBe(10);
  });

  it('stand in the half second in which each request was sent', () => {
    expect(guarded.askedPerSecond).toHaveLength(30);
    expect(guarded.askedPerSecond[10]).toBe(6);
    expect(guarded.inTimePerSecond[10]).toBe(4);
    expect(without.inTimePerSecond[10]).toBe(2);
    expect(without.inTimePerSecond[0]).toBe(2);
  });

  it('are told as they are', () => {
    const storm = { without, with: guarded };
    expect(stormSentence(storm)).toBe(
      'Without Sluice 50 % of the checkouts were answered in time, with it 75 %, and those it could not serve knew it ' +
        'after 10 ms (p99 10 ms).',
    );
    expect(stormSentence({ without: guarded, with: without })).toBe(
      'Without Sluice 75 % of the checkouts were answered in time, with it 50 %.',
    );
    expect(stormTable(storm)).toMatch(/never answered +1 \(25 %\) +0 \(0 %\)/);
    expect(stormPlot(storm)).toContain('██\n');
    expect(stormSvg(storm).match(/<polyline/g)).toHaveLength(3);
  });
});

describe('a machine that was busy', () => {
  it('is told of, since the figures are of it then, and no other', () => {
    const busy = figuresOf(resultOf({ usual: [[100, 20, 201]] }, 400), 0.5);
    expect(stormCaution({ without, with: guarded })).toBeUndefined();
    expect(stormCaution({ without: busy, with: guarded })).toMatch(/sent up to 400 ms late/);
    expect(stormCaution({ without, with: busy })).toMatch(/End what else runs/);
  });

  it('is told of where the shop had no processor left to refuse with', () => {
    const full = { ...guarded, busyShare: 0.97 };
    expect(stormCaution({ without, with: full })).toMatch(/used 97 % of its core .* a faster machine/);
    expect(stormCaution({ without: full, with: guarded })).toBeUndefined();
  });
});

describe('the plan of the storm', () => {
  it('is one that the generator accepts', () => expect(() => validatePlan(surgePlan(3_000, 1))).not.toThrow());
});
