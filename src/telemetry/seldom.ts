import type { Clock } from '../clock.js';

/** Codes are few; should somebody put data into them, memory still has a bound. */
const MOST_CODES = 256;

/** Codes that tell of one state: each takes back what the other said. */
const STATES: readonly (readonly string[])[] = [
  ['breaker_open', 'breaker_closed'],
  ['database_unreachable', 'database_reachable'],
  ['fleet_degraded', 'fleet_restored'],
];

interface Code {
  quietUntilMs: number;
  leftOut: number;
  /** What was left out last, and in which order. */
  last: { readonly line: string; readonly order: number } | undefined;
}

/** Takes a line with its code, and what it is about where the same code tells of several: each has its own quiet. */
export type SeldomWrite = (code: string | undefined, message: string, about?: string) => void;

/**
 * Writes lines by code: the first at once, and then no more than one in `quietMs`. What was left out last is written when
 * its quiet is over, with the number of the others, and where it is about a state together with what has come of it.
 */
export function seldom(quietMs: number, clock: Clock, write: (line: string) => void): SeldomWrite {
  const codes = new Map<string, Code>();
  let order = 0;

  const tell = (code: Code, line: string): void => {
    const repeated = code.leftOut === 0 ? '' : ` (and ${code.leftOut} more like it)`;
    code.leftOut = 0;
    code.last = undefined;
    code.quietUntilMs = clock.nowMs() + quietMs;
    write(`${line}${repeated}`);
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

  return (code, message, about = '') => {
    const key = code === undefined ? message : about === '' ? code : `${code} ${about}`;
    const line = code === undefined ? `sluice: ${message}` : `sluice: ${message} [${code}]`;
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
