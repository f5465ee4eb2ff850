const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;

/** The form of a window: two times of day, the second earlier where it ends on the next day. Equal ones are none. */
export const WINDOW_PATTERN: RegExp = /^(?!(.{5})-\1$)(?:[01]\d|2[0-3]):[0-5]\d-(?:[01]\d|2[0-3]):[0-5]\d$/;

/** Whether the time zone database has a zone of that name. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/**
 * A time of every day, on the clocks of one time zone: from the first minute on, until the second begins. It follows
 * those clocks over a change: a time that is left out counts as reached by the jump, and one that comes twice is inside
 * twice. Pure: the instant is an argument, in ms since 1970 (the wall clock), and the rules of zones are data.
 */
export class TimeWindow {
  readonly text: string;
  readonly timeZone: string;
  readonly #fromMinute: number;
  readonly #toMinute: number;
  readonly #format: Intl.DateTimeFormat;
  /** What the last question found out: asked once for each request, it is worked out once a minute. */
  #askedMinute = Number.NaN;
  #waitUntilMs = 0;
  #shownMinute = Number.NaN;
  #shown = '';

  /**
   * @param text - For example `22:00-06:00`.
   * @param timeZone - A name of the IANA database. Default: the zone of the process.
   * @throws RangeError for a text of another form, or an unknown zone.
   */
  constructor(text: string, timeZone?: string) {
    if (!WINDOW_PATTERN.test(text)) {
      throw new RangeError(`window is "${text}": give two different times of day, such as 22:00-06:00`);
    }
    this.text = text;
    this.#fromMinute = minuteOf(text.slice(0, 5));
    this.#toMinute = minuteOf(text.slice(6));
    this.#format = new Intl.DateTimeFormat('en-US', {
      ...(timeZone === undefined ? {} : { timeZone }),
      numberingSystem: 'latn',
      hourCycle: 'h23',
      hour: 'numeric',
      minute: 'numeric',
    });
    this.timeZone = this.#format.resolvedOptions().timeZone;
  }

  /** Milliseconds until the window is open; 0 inside of it. */
  opensInMs(wallMs: number): number {
    const minute = Math.floor(wallMs / MINUTE_MS);
    if (minute !== this.#askedMinute) {
      const startMs = minute * MINUTE_MS;
      // Inside a closed time the next opening stays where it is.
      const known = minute > this.#askedMinute && startMs < this.#waitUntilMs;
      this.#askedMinute = minute;
      if (!known) this.#waitUntilMs = this.#contains(startMs) ? 0 : this.#nextOpening(startMs);
    }
    return Math.max(0, this.#waitUntilMs - wallMs);
  }

  /** What the clocks of the zone show at this instant, for example `09:05`. */
  clockAt(wallMs: number): string {
    const minute = Math.floor(wallMs / MINUTE_MS);
    if (minute !== this.#shownMinute) {
      const ofDay = this.#minuteOfDay(minute * MINUTE_MS);
      this.#shownMinute = minute;
      this.#shown = [Math.floor(ofDay / 60), ofDay % 60].map((part) => String(part).padStart(2, '0')).join(':');
    }
    return this.#shown;
  }

  #contains(wallMs: number): boolean {
    const minute = this.#minuteOfDay(wallMs);
    const [from, to] = [this.#fromMinute, this.#toMinute];
    return from < to ? minute >= from && minute < to : minute >= from || minute < to;
  }

  /** The first open instant after one outside the window; both at the beginning of a minute. */
  #nextOpening(wallMs: number): number {
    const shift = this.#shiftOf(wallMs);
    const minutes = (this.#fromMinute - this.#minuteOfDay(wallMs) + DAY_MINUTES) % DAY_MINUTES;
    // Not 0 but a day: the clocks went back over the beginning of a window that has no other minute.
    const opensMs = wallMs + (minutes || DAY_MINUTES) * MINUTE_MS;
    if (this.#shiftOf(opensMs) === shift) return opensMs;
    const changeMs = this.#changeBetween(wallMs, opensMs);
    if (opensMs < changeMs || this.#contains(changeMs)) return Math.min(opensMs, changeMs);
    return this.#nextOpening(changeMs);
  }

  /** The first minute of another shift; between two instants of different shifts lies one change. */
  #changeBetween(fromMs: number, toMs: number): number {
    const shift = this.#shiftOf(fromMs);
    let [before, after] = [fromMs / MINUTE_MS, toMs / MINUTE_MS];
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      if (this.#shiftOf(middle * MINUTE_MS) === shift) before = middle;
      else after = middle;
    }
    return after * MINUTE_MS;
  }

  #minuteOfDay(wallMs: number): number {
    const parts = new Map(this.#format.formatToParts(wallMs).map(({ type, value }) => [type, Number(value)]));
    return (parts.get('hour') ?? 0) * 60 + (parts.get('minute') ?? 0);
  }

  /** How far the clocks of the zone are ahead of UTC, in minutes and without whole days: a clock shows none. */
  #shiftOf(wallMs: number): number {
    const minutes = this.#minuteOfDay(wallMs) - (Math.floor(wallMs / MINUTE_MS) % DAY_MINUTES);
    return ((minutes % DAY_MINUTES) + DAY_MINUTES) % DAY_MINUTES;
  }
}

function minuteOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
}
