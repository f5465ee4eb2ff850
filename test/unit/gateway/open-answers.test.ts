import { describe, expect, it } from 'vitest';
import { OpenAnswers } from '../../../src/gateway/open-answers.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const answer = (onItsWay: boolean) => ({
  onItsWay,
  last: false,
  endedAtMs: undefined as number | undefined,
  takenBytes: undefined,
  keepsConnection: false,
  endConnection: mark,
  cutOff: () => undefined,
  endWork: end,
});
function mark(this: { last: boolean }): void {
  this.last = true;
}

function end(this: { endedAtMs: number | undefined }, nowMs: number): void {
  this.endedAtMs = nowMs;
}

describe('OpenAnswers', () => {
  it('ends the work for those on their way, and for no others', () => {
    const answers = new OpenAnswers();
    const [live, gone] = [answer(true), answer(false)];
    answers.add(live);
    answers.add(gone);
    answers.endWork(new VirtualClock(7));
    expect([live.endedAtMs, gone.endedAtMs]).toEqual([7, undefined]);
  });

  it('waits for those that are on their way, and for no others', () => {
    const answers = new OpenAnswers();
    const live = answer(true);
    expect(answers.none).toBe(true);
    answers.add(answer(false));
    expect(answers.none).toBe(true);
    answers.add(live);
    expect(answers.none).toBe(false);
    answers.remove(live);
    expect(answers.none).toBe(true);
  });

  it('keeps every answer that lives, and does not grow with those that died unheard', () => {
    const answers = new OpenAnswers();
    for (let n = 0; n < 1_500; n++) answers.add(answer(true));
    for (let n = 0; n < 100_000; n++) answers.add(answer(false));
    expect(answers.size).toBeGreaterThanOrEqual(1_500);
    expect(answers.size).toBeLessThanOrEqual(2 * 1_500 + 1_024);
    expect(answers.none).toBe(false);
  });

  it('makes every answer the last on its connection from then on, those before included', () => {
    const answers = new OpenAnswers();
    const [before, after] = [answer(true), answer(true)];
    answers.add(before);
    expect(before.last).toBe(false);
    answers.endConnections(new VirtualClock());
    answers.add(after);
    expect([before.last, after.last]).toEqual([true, true]);
  });
});
