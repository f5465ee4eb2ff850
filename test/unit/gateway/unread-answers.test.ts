import { beforeEach, describe, expect, it } from 'vitest';
import { type ReadableAnswer, UnreadAnswers } from '../../../src/gateway/unread-answers.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const TIMEOUT_MS = 1_000;

class Answer implements ReadableAnswer {
  takenBytes: number | undefined;
  cutAtMs: number | undefined;
  keepsConnection = false;
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock, takenBytes: number | undefined) {
    this.#clock = clock;
    this.takenBytes = takenBytes;
  }

  cutOff(): void {
    this.cutAtMs = this.#clock.nowMs();
    this.takenBytes = undefined;
  }
}

describe('UnreadAnswers', () => {
  let clock: VirtualClock;
  let open: Set<Answer>;
  let unread: UnreadAnswers;
  let cut: number;

  beforeEach(() => {
    clock = new VirtualClock();
    open = new Set();
    cut = 0;
    unread = new UnreadAnswers(clock, TIMEOUT_MS, open, () => {
      cut += 1;
    });
  });

  const add = (takenBytes: number | undefined): Answer => {
    const answer = new Answer(clock, takenBytes);
    open.add(answer);
    unread.watch();
    return answer;
  };

  it('cuts off what is not read for the timeout, at most a quarter late and once a quarter was seen', () => {
    const stuck = add(0);
    clock.runUntil(TIMEOUT_MS);
    expect(stuck.cutAtMs).toBeUndefined();
    clock.runUntil(10 * TIMEOUT_MS);
    expect(stuck.cutAtMs).toBe(1.25 * TIMEOUT_MS);
    expect(cut).toBe(1);
  });

  it.each([
    ['of which something is taken now and then', 900, 10_000],
    ['that stands still for a while again and again', 990, 20_000],
  ])('leaves an answer alone %s', (_what, everyMs, untilMs) => {
    const slow = add(0);
    for (let atMs = everyMs; atMs < untilMs; atMs += everyMs) {
      clock.runUntil(atMs);
      slow.takenBytes = atMs;
    }
    expect(slow.cutAtMs).toBeUndefined();
  });

  it.each([
    ['8 kB a second', 8_192, undefined],
    ['a little less', 8_000, 3_250],
    ['next to nothing', 40, 3_250],
  ])('of one behind which a connection waits wants more than a little read: %s', (_what, perSecond, cutAtMs) => {
    const answer = add(0);
    const read = (fromMs: number, untilMs: number): void => {
      for (let atMs = fromMs; atMs < untilMs && answer.takenBytes !== undefined; atMs += 125) {
        clock.runUntil(atMs);
        if (answer.takenBytes !== undefined) answer.takenBytes += perSecond / 8;
      }
    };
    read(125, 2_000);
    expect(answer.cutAtMs).toBeUndefined();
    answer.keepsConnection = true;
    read(2_000, 20_000);
    if (cutAtMs === undefined) expect(answer.cutAtMs).toBeUndefined();
    else expect(answer.cutAtMs).toBeLessThanOrEqual(cutAtMs);
  });

  it('leaves one alone for which nothing waits, and begins anew when something does', () => {
    const answer = add(7);
    clock.runUntil(800);
    answer.takenBytes = undefined;
    clock.runUntil(5_100);
    expect(answer.cutAtMs).toBeUndefined();
    answer.takenBytes = 7;
    clock.runUntil(6_200);
    expect(answer.cutAtMs).toBeUndefined();
    clock.runUntil(6_251);
    expect(answer.cutAtMs).toBe(6_250);
  });

  it('looks at a crowd in slices between which input is handled, and at newcomers the next time', () => {
    const crowd = Array.from({ length: 2_000 }, () => add(0));
    let turns = 0;
    const count = (): void => {
      turns += 1;
      if (crowd.some(({ cutAtMs }) => cutAtMs === undefined)) clock.afterInput(count);
    };
    clock.runUntil(1_249);
    clock.input(1, count);
    clock.runUntil(1_251);
    expect(crowd.every(({ cutAtMs }) => cutAtMs === 1_250)).toBe(true);
    expect(turns).toBeGreaterThanOrEqual(3);
  });

  it('sleeps while nothing is open, and wakes for the next', () => {
    const answer = add(undefined);
    open.delete(answer);
    let asked = 0;
    clock.runUntil(10_000);
    open.add(
      Object.defineProperty(new Answer(clock, undefined), 'takenBytes', {
        get: () => {
          asked += 1;
        },
      }),
    );
    clock.runUntil(20_000);
    expect(asked).toBe(0);
    unread.watch();
    clock.runUntil(20_600);
    expect(asked).toBe(2);
  });
});
