/** What MySQL and MariaDB pass over before a statement; what stands in `/*! … *\/` is for the server and no comment. */
const COMMENT = String.raw`--(?=\s|$)[^\n]*(?:\n|$)|#[^\n]*(?:\n|$)|\/\*(?!M?!)(?:[^*]|\*(?!\/))*\*\/`;
/** The server reads the inside, or passes over all of it: that depends on its version. */
const FOR_SERVER = String.raw`\/\*M?!\d*`;

const SKIPPING = new RegExp(String.raw`^(?:[\s;(]+|${COMMENT}|${FOR_SERVER}(?:[^*]|\*(?!\/))*\*\/)+`);
const ENTERING = new RegExp(String.raw`^(?:[\s;(]+|${COMMENT}|${FOR_SERVER}|\*\/)+`);

/**
 * A text from its first word on, in every way in which some server reads it: two where it begins with a comment that
 * only some servers pass over.
 */
export function mysqlLeads(text: string): readonly string[] {
  if (/^[a-z]/i.test(text)) return [text];
  const entered = text.replace(ENTERING, '');
  const skipped = text.replace(SKIPPING, '');
  return entered === skipped ? [entered] : [entered, skipped];
}

/** What a text tells the server to do: `SELECT`, `INSERT`, …; empty where that is not certain. */
export function commandOf(text: string): string {
  const [first, ...others] = mysqlLeads(text).map((lead) => /^[a-z]+/i.exec(lead)?.[0].toUpperCase() ?? '');
  return first !== undefined && others.every((other) => other === first) ? first : '';
}

/**
 * Commands that never end the transaction they run in. Functions and triggers cannot either: the server refuses what
 * commits in them.
 */
const KEEPING: ReadonlySet<string> = new Set(
  `SELECT INSERT UPDATE DELETE REPLACE WITH VALUES TABLE SHOW EXPLAIN DESC DESCRIBE DO SAVEPOINT RELEASE`.split(' '),
);

/** Whether a {@link commandOf} leaves the transaction around it open, whatever becomes of it. */
export function keepsTransaction(command: string): boolean {
  return KEEPING.has(command);
}
