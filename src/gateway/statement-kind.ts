/**
 * What a statement means for the transaction around it: `read` commits nothing, `begin` and `commit` are those commands
 * and nothing else, `control` ends or begins a transaction in some other way, `other` may write. `opaque` may commit by
 * the way, and fail all the same; of MySQL alone, `committing` may do so, too, which shows in that no transaction is left.
 */
export type StatementKind = 'read' | 'begin' | 'commit' | 'control' | 'other' | 'committing' | 'opaque';

/** Nobody writes a reading statement as long as this; what is longer may write for all we know. */
const LONGEST_READ = 20_000;

/** Comments, which nest, strings and quoted names: nothing in them is a command. */
const QUOTED =
  /--[^\n]*|\/\*(?:[^/*]|\*(?!\/)|\/(?!\*)|\/\*(?:[^/*]|\*(?!\/)|\/(?!\*))*\*\/)*\*\/|\be'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|(?<![\w$\u0080-\uffff])\$([a-z_]\w*)?\$[\s\S]*?\$\1\$/gi;
/** The body of a routine, whose commands are not those of the text. */
const BODY = /\bbegin\s+atomic\b[\s\S]*\bend\b/i;
const CONTROL_WORD = /\b(?:begin|start|commit|end|rollback|abort|prepare)\b/i;
const CONTROL =
  /^(?:begin|start\s+transaction|commit|end|rollback(?!\s+(?:(?:work|transaction)\s+)?to\b)|abort|prepare\s+transaction)\b/i;
const BEGIN = /^(?:begin|start\s+transaction)(?:\s+(?:work|transaction))?$/i;
const COMMIT = /^(?:commit|end)(?:\s+(?:work|transaction))?$/i;
const READ = /^(?:select|values|table|show)\b/i;
/** What may commit parts of its work before it fails, where no transaction is open around it. */
const IN_PARTS =
  /^(?:call|do|vacuum|cluster|reindex)\b|^(?:create\s+(?:unique\s+)?index|drop\s+index)\s+concurrently\b|^alter\s+table\b.*\bdetach\s+partition\b.*\bconcurrently\b/is;
const CALL = /([a-z_\u0080-\uffff][\w$.\u0080-\uffff]*)\s*\(/gi;
/** In the place of a name in quotes: what it calls may do anything. */
const QUOTED_NAME = 'quoted_name';

/** What may stand before a parenthesis in a statement that only reads: keywords, and functions without effects. */
const HARMLESS: ReadonlySet<string> = new Set(
  `all and any array as between by case cast distinct else except exists filter from group having ilike in intersect
  interval is join lateral like limit not numeric offset on or over row select some then timestamp union using values
  varchar when where with within
  abs age array_agg avg ceil coalesce concat concat_ws count current_setting date_part date_trunc dense_rank extract
  floor generate_series greatest json_agg json_build_object jsonb_agg jsonb_build_object lag lead least left length
  lower make_interval max md5 min now nullif pg_sleep position rank replace right round row_number row_to_json string_agg substring
  sum to_char to_json to_jsonb to_timestamp trim unnest upper`.split(/\s+/),
);

/**
 * Reads the kind off a statement's text. In doubt it is `other`: a reading statement that is taken for a writing one
 * costs a retry that would have been safe, the other way round an order is placed twice.
 */
export function statementKind(text: string): StatementKind {
  const mayControl = CONTROL_WORD.test(text);
  if (text.length > LONGEST_READ && !mayControl) return 'other';
  const statements = text
    .replace(QUOTED, (quoted) => (quoted.startsWith('"') ? QUOTED_NAME : ' '))
    .replace(BODY, ' ')
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
  const [only = ''] = statements;
  if (mayControl && statements.some((statement) => CONTROL.test(statement))) {
    if (statements.length === 1 && BEGIN.test(only)) return 'begin';
    return statements.length === 1 && COMMIT.test(only) ? 'commit' : 'control';
  }
  if (statements.some((statement) => IN_PARTS.test(statement))) return 'opaque';
  return statements.length === 1 && onlyReads(only) ? 'read' : 'other';
}

/** Whether a word that begins or ends transactions stands anywhere in a text, which is rare and seen at once. */
export function mayControlTransaction(text: string): boolean {
  return CONTROL_WORD.test(text);
}

/** Whether a statement of this kind may commit what came before it in a transaction, without saying so. */
export function mayCommitByTheWay(kind: StatementKind): boolean {
  return kind === 'committing' || kind === 'opaque';
}

/** Whether a statement of this kind begins or ends a transaction. */
export function isControl(kind: StatementKind): boolean {
  return kind === 'begin' || kind === 'commit' || kind === 'control';
}

function onlyReads(statement: string): boolean {
  if (!READ.test(statement) || /\binto\b/i.test(statement)) return false;
  for (const [, name = ''] of statement.matchAll(CALL)) if (!HARMLESS.has(name.toLowerCase())) return false;
  return true;
}
