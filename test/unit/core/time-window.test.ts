import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTimeZone, TimeWindow, WINDOW_PATTERN } from '../../../src/core/time-window.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const at = (text: string): number => Date.parse(text);
const minutesToOpening = (window: TimeWindow, text: string): number => window.opensInMs(at(text)) / MINUTE_MS;

describe('a window of every day', () => {
  it.each([
    ['2026-11-22T05:59:59.999Z', 0],
    ['2026-11-22T06:00:00.000Z', 16 * 60],
    ['2026-11-22T12:30:00.000Z', 9.5 * 60],
    ['2026-11-22T21:59:30.000Z', 0.5],
    ['2026-11-22T22:00:00.000Z', 0],
    ['2026-11-22T23:59:00.000Z', 0],
    ['2026-11-23T00:00:00.000Z', 0],
  ])('over midnight: at %s it opens in %d minutes', (text, minutes) => {
    expect(minutesToOpening(new TimeWindow('22:00-06:00', 'UTC'), text)).toBe(minutes);
  });

  it.each([
    ['2026-11-22T01:59:00Z', 1],
    ['2026-11-22T02:00:00Z', 0],
    ['2026-11-22T03:59:59Z', 0],
    ['2026-11-22T04:00:00Z', 22 * 60],
  ])('within a day: at %s it opens in %d minutes', (text, minutes) => {
    expect(minutesToOpening(new TimeWindow('02:00-04:00', 'UTC'), text)).toBe(minutes);
  });

  it('is that of a zone, and by default that of the process', () => {
    // 22:00 in Kolkata is 16:30 in UTC.
    expect(minutesToOpening(new TimeWindow('22:00-06:00', 'Asia/Kolkata'), '2026-11-22T16:00:00Z')).toBe(30);
    expect(new TimeWindow('22:00-06:00').timeZone).toBe(Intl.DateTimeFormat().resolvedOptions().timeZone);
  });

  // Berlin: 2026-03-29 from 02:00 (+01:00) to 03:00 (+02:00); 2026-10-25 from 03:00 (+02:00) back to 02:00 (+01:00).
  it.each([
    ['an hour is left out before it', '03:00-05:00', '2026-03-29T00:30:00+01:00', 90],
    ['it begins in the hour that is left out', '02:30-05:00', '2026-03-29T01:00:00+01:00', 60],
    ['it lies in the hour that is left out: the next day', '02:15-02:45', '2026-03-29T01:00:00+01:00', 24 * 60 + 15],
    ['the day has 23 hours', '12:00-13:00', '2026-03-28T13:00:00+01:00', 22 * 60],
    ['an hour comes twice before it', '04:00-05:00', '2026-10-25T01:00:00+02:00', 4 * 60],
    ['it lies in the hour that comes twice: open', '02:15-02:45', '2026-10-25T02:20:00+02:00', 0],
    ['after its first time it opens again', '02:15-02:45', '2026-10-25T02:45:00+02:00', 30],
    ['and is then over', '02:15-02:45', '2026-10-25T02:45:00+01:00', 23.5 * 60],
    ['the day has 25 hours', '12:00-13:00', '2026-10-24T13:00:00+02:00', 24 * 60],
  ])('when the clocks change: %s', (_, text, instant, minutes) => {
    expect(minutesToOpening(new TimeWindow(text, 'Europe/Berlin'), instant)).toBe(minutes);
  });

  it('property: opens at the first minute that clocks of the zone show as inside', () => {
    const zones = [
      'UTC',
      'Europe/Berlin',
      'America/New_York',
      'Australia/Lord_Howe',
      'Asia/Kathmandu',
      'America/Santiago',
    ];
    const time = fc.tuple(fc.nat(23), fc.nat(59)).map((parts) => parts.map((n) => `${n}`.padStart(2, '0')).join(':'));
    const instant = fc.oneof(
      fc.integer({ min: at('2024-01-01T00:00:00Z') / MINUTE_MS, max: at('2030-01-01T00:00:00Z') / MINUTE_MS }),
      // Around the changes of all these zones in 2026.
      fc
        .tuple(
          fc.constantFrom(
            '2026-03-29T01:00Z',
            '2026-10-25T01:00Z',
            '2026-03-08T07:00Z',
            '2026-11-01T06:00Z',
            '2026-04-04T15:00Z',
            '2026-10-03T15:30Z',
            '2026-04-05T03:00Z',
            '2026-09-06T04:00Z',
          ),
          fc.integer({ min: -1_500, max: 200 }),
        )
        .map(([change, minutes]) => at(change) / MINUTE_MS + minutes),
    );
    fc.assert(
      fc.property(fc.constantFrom(...zones), time, time, instant, (zone, from, to, minute) => {
        fc.pre(from !== to);
        const shown = new Intl.DateTimeFormat('en-GB', {
          timeZone: zone,
          hour: '2-digit',
          minute: '2-digit',
          hourCycle: 'h23',
        });
        const inside = (wallMs: number): boolean => {
          const now = shown.format(wallMs);
          return from < to ? now >= from && now < to : now >= from || now < to;
        };
        const opensAtMs = minute * MINUTE_MS + new TimeWindow(`${from}-${to}`, zone).opensInMs(minute * MINUTE_MS);
        expect(inside(opensAtMs)).toBe(true);
        for (let past = minute * MINUTE_MS; past < opensAtMs; past += MINUTE_MS) {
          if (inside(past)) throw new Error(`${zone} ${from}-${to}: open at ${new Date(past).toISOString()} already`);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('gives the same answers to whoever asks on and on, or goes back', () => {
    const window = new TimeWindow('22:00-06:00', 'Europe/Berlin');
    const steps = Array.from({ length: 400 }, (_, step) => at('2026-10-24T00:00:00Z') + step * 17 * MINUTE_MS + step);
    const asked = [...steps, ...steps.toReversed(), (steps[7] ?? 0) - 48 * HOUR_MS];
    for (const wallMs of asked) {
      expect(window.opensInMs(wallMs)).toBe(new TimeWindow('22:00-06:00', 'Europe/Berlin').opensInMs(wallMs));
    }
  });

  it('tells what its clocks show', () => {
    const window = new TimeWindow('22:00-06:00', 'Europe/Berlin');
    const shown = ['2026-10-24T22:07:59Z', '2026-10-24T22:08:00Z', '2026-01-02T03:04:00Z'].map((text) =>
      window.clockAt(at(text)),
    );
    expect(shown).toEqual(['00:07', '00:08', '04:04']);
  });

  it.each(['22:00', '24:00-06:00', '22:60-06:00', '2:00-06:00', '06:00-06:00', '22:00-06:00 ', '22:00–06:00'])(
    'refuses "%s"',
    (text) => {
      expect(WINDOW_PATTERN.test(text)).toBe(false);
      expect(() => new TimeWindow(text, 'UTC')).toThrow(`window is "${text}": give two different times of day`);
    },
  );

  it('knows the zones that there are', () => {
    expect(['Europe/Berlin', 'UTC', 'Mars/Olympus', ''].map(isTimeZone)).toEqual([true, true, false, false]);
    expect(() => new TimeWindow('22:00-06:00', 'Mars/Olympus')).toThrow(RangeError);
  });
});
