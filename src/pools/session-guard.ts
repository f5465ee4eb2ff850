/** Comments, literals and quoted names: what stands in them is no statement. */
const QUOTED =
  /--[^\n]*|\/\*[\s\S]*?\*\/|\be'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$([a-z_]\w*)?\$[\s\S]*?\$\1\$/gi;

/** A name that means the same without its quotes. */
const PLAIN_NAME = /^"[a-z_][a-z0-9_]*"$/;

/** What stands before the body of a block, which is quoted, and runs all the same. */
const BEFORE_BODY = /(?:^|;)\s*do(?:\s+language\s+(?:\w+|''))?\s*$/i;

/** In a body, a statement begins after these as well. */
const BEGINS_STATEMENT = /\b(?:begin|then|loop|else)\b/gi;

/** A name in which characters are given by their numbers is marked so. */
const BY_NUMBERS = /(?<!\w)u&$/i;

/**
 * What certainly stays in a session, by the form of its statement. `SET LOCAL` and the like end with the transaction;
 * what MySQL sets elsewhere than in the session stands behind it.
 */
const STAYING: readonly (readonly [RegExp, string])[] = [
  [
    /(?:^|;)\s*set\s+(?!local\b|transaction\b|constraints\b|(?:global|persist|persist_only|password|statement)\s|@@(?:global|persist))/i,
    'a setting: use SET LOCAL in a transaction',
  ],
  [/\bset_config\s*\((?![^;]*,\s*true\s*\))/i, 'a setting: call set_config with true as its third argument'],
  [/\bupdate\s+(?:only\s+)?(?:pg_catalog\s*\.\s*)?pg_settings\b/i, 'a setting: use SET LOCAL in a transaction'],
  [/(?:^|;)\s*prepare\s+(?!transaction\b)/i, 'a prepared statement: send its text with values instead'],
  [/(?:^|;)\s*listen\b/i, 'a channel: listen on a connection that bypasses the pooler'],
  [/(?:^|;)\s*declare\b[^;]*\bwith\s+hold\b/i, 'a cursor: declare it without HOLD, in a transaction'],
  [
    /\bcreate\s+(?:or\s+replace\s+)?(?:(?:global|local)\s+)?temp(?:orary)?\b(?![^;]*\bon\s+commit\s+drop\b)/i,
    'a temporary table: add ON COMMIT DROP, in a transaction',
  ],
  [
    /\bselect\b[^;]*\binto\s+temp(?:orary)?\s+(?:table\s+)?(?!select\b|values\b|default\b|overriding\b)\w/i,
    'a temporary table: create it with ON COMMIT DROP, in a transaction',
  ],
  [
    /\bcreate\s+[^;]*\bpg_temp\s*\.(?![^;]*\bon\s+commit\s+drop\b)/i,
    'something temporary: create a table with ON COMMIT DROP, in a transaction',
  ],
  [/\bpg_(?:try_)?advisory_lock(?:_shared)?\s*\(/i, 'a lock: take it for the transaction, with pg_advisory_xact_lock'],
  [/\bsetseed\s*\(/i, 'what random() gives next: draw in the application, or hash a key'],
  [/\bdblink_connect(?:_u)?\s*\(/i, 'a connection to another server: use dblink without a named connection'],
];

/**
 * What a text would leave in its session, and what to do instead; `undefined` where nothing is certain. It reads the
 * text, so what a function does is not seen, nor what a `DO` block makes up while it runs.
 */
export function stayingState(text: string): string | undefined {
  const read = withoutQuoted(text);
  return STAYING.find(([form]) => form.test(read))?.[1];
}

const TAKES_BACK = /(?:^|;)\s*(?:reset\b|discard\s+(?:all|temp)\b)/i;

/**
 * What a text would take back of a session that others use as well: what a pooler has set at its start (`connect_query`)
 * is not set again. `undefined` where it takes nothing back.
 */
export function takenBack(text: string): string | undefined {
  if (!TAKES_BACK.test(withoutQuoted(text))) return undefined;
  return 'what RESET and DISCARD take back, which others need: use SET LOCAL ... TO DEFAULT in a transaction';
}

/** What a text leaves in a session for good: no clean-up takes it back either. `undefined` where it leaves nothing. */
export function stayingForGood(text: string): string | undefined {
  if (!/(?:^|;)\s*load\s*(?:u&)?''/i.test(withoutQuoted(text))) return undefined;
  return 'a library: name it in session_preload_libraries of the role or the database';
}

function withoutQuoted(text: string): string {
  const parts: string[] = [];
  let tail = '';
  let from = 0;
  for (const { 0: quoted, index } of text.matchAll(QUOTED)) {
    const before = text.slice(from, index);
    from = index + quoted.length;
    tail = (tail + before).slice(-BEFORE_BODY_CHARS);
    const read = readQuoted(quoted, tail);
    // The mark goes with its name.
    parts.push(quoted.startsWith('"') && BY_NUMBERS.test(before) ? before.slice(0, -2) : before, read);
    tail = (tail + read).slice(-BEFORE_BODY_CHARS);
  }
  parts.push(text.slice(from));
  return parts.join('');
}

function readQuoted(quoted: string, before: string): string {
  if (/^(?:--|\/\*)/.test(quoted)) return ' ';
  if (quoted.startsWith('"')) return nameIn(quoted, BY_NUMBERS.test(before));
  return BEFORE_BODY.test(before) ? `; ${insideBody(quoted)} ;` : "''";
}

/** Of what comes before a body; looked for further back, a long text would take long. */
const BEFORE_BODY_CHARS = 200;

function nameIn(quoted: string, byNumbers: boolean): string {
  const name = byNumbers ? quoted.replace(NUMBER, charOf) : quoted;
  return PLAIN_NAME.test(name) ? name.slice(1, -1) : "''";
}

const NUMBER = /\\(?:\+([\da-f]{6})|([\da-f]{4}))/gi;

function charOf(escaped: string, long: string | undefined, short: string | undefined): string {
  const point = Number.parseInt(long ?? short ?? '', 16);
  return point <= 0x10_ff_ff ? String.fromCodePoint(point) : escaped;
}

function insideBody(quoted: string): string {
  return withoutQuoted(unquoted(quoted).replace(/\$(?:[a-z_]\w*)?\$/gi, ' ')).replace(BEGINS_STATEMENT, ';');
}

function unquoted(quoted: string): string {
  if (quoted.startsWith('$')) return quoted;
  if (quoted.startsWith("'")) return quoted.slice(1, -1).replaceAll("''", "'");
  return quoted.slice(2, -1).replace(/''|\\([\s\S])/g, (_, escaped: string | undefined) => {
    if (escaped === undefined) return "'";
    return escaped === 'n' || escaped === 't' || escaped === 'r' ? ' ' : escaped;
  });
}

/**
 * A statement was not sent, because what it leaves in the session would be lost or met by others: a pooler gives the
 * session on after every transaction. The message says what would stay, and what to use instead; a transaction around it
 * goes on. No retry helps.
 */
export class SessionStateError extends Error {
  override readonly name = 'SessionStateError';

  /**
   * @param state - What would stay, and the remedy.
   * @internal
   */
  constructor(state: string) {
    super(`behind a pooler in transaction mode a session does not keep ${state}`);
  }
}
