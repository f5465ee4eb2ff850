import type { Clock } from '../clock.js';

/** Codes are few; should somebody put data into them, memory still has a bound. */
const MOST_CODES = 256;

/** Codes that tell of one state: each takes back what the other said. */
const STATES: readonly (readonly string[])[] = [
  ['breaker_open', 'breaker_closed'],
  ['database_unreachable', 'database_reachable'],
  ['fleet_degraded', 'fleet_restored'],
];

interface Code<Line> {
  quietUntilMs: number;
  leftOut: number;
  /** What was left out last, and in which order. */
  last: { readonly line: Line; readonly order: number } | undefined;
}

/** Takes a line with its code, which is followed by what it is about where one code tells of several: each has its own quiet. */
export type SeldomWrite<Line> = (key: string, line: Line) => void;

/**
 * Writes lines by code: the first at once, and then no more than one in `quietMs`. What was left out last is written when
 * its quiet is over, with the number of the others, and where it is about a state together with what has come of it.
 *
 * @param write - Called with a line, and with the number of those left out before it.
 */
export function seldom<Line>(
  quietMs: number,
  clock: Clock,
  write: (line: Line, leftOut: number) => void,
): SeldomWrite<Line> {
  const codes = new Map<string, Code<Line>>();
  let order = 0;

  const tell = (code: Code<Line>, line: Line): void => {
    const { leftOut } = code;
    code.leftOut = 0;
    code.last = undefined;
    code.quietUntilMs = clock.nowMs() + quietMs;
    write(line, leftOut);
  };

  const catchUp = (key: string): void => {
    // What came later waits for the quiet that began later.
    if ((codes.get(key)?.quietUntilMs ?? 0) > clock.nowMs()) return;
    const own = STATES.find((codesOfState) => codesOfState.includes(key)) ?? [key];
    const behind = own.flatMap((name) => {
      const code = codes.get(name);
      return code?.last === undefined ? [] : [{ code, ...code.last }];
    });
    for (const { code, line } of behind.sort((a, b) => a.order - b.order)) {
      code.leftOut -= 1;
      tell(code, line);
    }
  };

  return (key, line) => {
    const known = codes.get(key);
    if (known === undefined || clock.nowMs() >= known.quietUntilMs) {
      if (known === undefined && codes.size >= MOST_CODES) codes.clear();
      const told = known ?? { quietUntilMs: 0, leftOut: 0, last: undefined };
      codes.set(key, told);
      tell(told, line);
      return;
    }
    // A timer may fire a little early.
    if (known.last === undefined) clock.after(known.quietUntilMs - clock.nowMs() + 1, () => catchUp(key));
    known.leftOut += 1;
    order += 1;
    known.last = { line, order };
  };
}

/** A line, and how often the like of it was left out before. */
export function withLeftOut(line: string, leftOut: number): string {
  return leftOut === 0 ? line : `${line} (and ${leftOut} more like it)`;
}
