import { MAX_LIMIT_MS } from './limit-steps.js';
import { LoginSettingError } from './login.js';

/** Limits that the driver reads of a url and sends as whole milliseconds: of `5s` it would make 5 of them. */
const LIMITS: ReadonlySet<string> = new Set([
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
]);

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['us', 0.001],
  ['ms', 1],
  ['s', 1_000],
  ['min', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

const GIVES_UP =
  'leave it out: the driver would give up on a statement that goes on, and may commit; deadlineMs of the routes bounds ' +
  'statements, and cancels them';

/** A setting as `options` has it: `-c name=value`, `-cname=value` or `--name=value`. */
interface Setting {
  readonly name: string;
  readonly value: string;
}

/** What the parameters of a url set for sessions, by name, and whether `options` has switches of another kind. */
export function settingsOf(parameters: URLSearchParams): {
  readonly settings: ReadonlyMap<string, string>;
  readonly others: boolean;
} {
  const { settings, others } = readOptions(parameters.getAll('options').at(-1) ?? '');
  const all = new Map(settings.map(({ name, value }) => [name, value]));
  for (const [name, value] of parameters) if (LIMITS.has(name) && value !== '') all.set(name, value);
  return { settings: all, others };
}

/**
 * Looks at a parameter that sets something for the sessions of a pool. The server would refuse every connection over a
 * value that it cannot read, and that would look like a server that is away.
 *
 * @throws LoginSettingError with the value and what would work.
 */
export function checkStartSetting(pool: string, name: string, value: string): void {
  if (LIMITS.has(name)) {
    if (value === '' || (/^\d+$/.test(value) && Number(value) <= MAX_LIMIT_MS)) return;
    const remedy = `give whole milliseconds, 0 (for none) to ${MAX_LIMIT_MS}; to use units, write options=-c%20${name}%3D5s`;
    throw new LoginSettingError(pool, 'url', `${name}=${value}`, remedy);
  }
  if (name === 'options') checkOptions(pool, value);
  if (name === 'query_timeout') throw new LoginSettingError(pool, 'url', `${name}=…`, GIVES_UP);
}

function checkOptions(pool: string, text: string): void {
  const refuse = (shown: string, remedy: string): never => {
    throw new LoginSettingError(pool, 'url', `options=${shown}`, remedy);
  };
  const { settings, stray } = readOptions(text);
  // Only the piece that is wrong: others may be secrets.
  if (stray !== undefined) refuse(stray, 'use -c name=value, percent-encoded: options=-c%20search_path%3Dshop');
  for (const { name, value } of settings) {
    if (!LIMITS.has(name) || limitOf(value) !== undefined) continue;
    refuse(
      `-c ${name}=${value}`,
      'give milliseconds, 0 for none, or a number with one of the units us, ms, s, min, h, d',
    );
  }
}

/**
 * The limit of statements that sessions start with, in milliseconds; `Infinity` where there is none.
 *
 * @param parameter - What is sent as `statement_timeout`; it wins over `options`.
 */
export function startLimitMs(parameter: unknown, options: unknown): number {
  let said = typeof parameter === 'string' || typeof parameter === 'number' ? String(parameter) : '';
  if (said === '' && typeof options === 'string') {
    said = readOptions(options).settings.findLast(({ name }) => name === 'statement_timeout')?.value ?? '';
  }
  const limitMs = said === '' ? 0 : (limitOf(said) ?? 0);
  return limitMs > 0 ? limitMs : Number.POSITIVE_INFINITY;
}

/** A limit as the server reads it, in milliseconds; `undefined` for what it would refuse. */
function limitOf(value: string): number | undefined {
  const [, number = '', unit = ''] = /^\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)\s*$/.exec(value) ?? [];
  const perUnit = UNIT_MS.get(unit);
  const limitMs = Math.round(Number(number) * (perUnit ?? Number.NaN));
  return number !== '' && limitMs <= MAX_LIMIT_MS ? limitMs : undefined;
}

/** Reads `options` as the server does: words apart at blanks, where a backslash takes the next character as it is. */
function readOptions(text: string): {
  readonly settings: readonly Setting[];
  readonly stray: string | undefined;
  /** There are words that set nothing by name. */
  readonly others: boolean;
} {
  const words = [...text.matchAll(/(?:\\.|[^\s\\])+/gs)].map(([word]) => word.replace(/\\(.)/gs, '$1'));
  const settings: Setting[] = [];
  let stray: string | undefined;
  let others = false;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    const said = word === '-c' ? words[++at] : /^(?:--|-c)(.+)$/s.exec(word)?.[1];
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(said ?? '') ?? [];
    if (name !== undefined && value !== undefined)
      settings.push({ name: name.replaceAll('-', '_').toLowerCase(), value });
    // A switch of another kind may take the next word; a name and a value alone are for a proxy, which takes them out.
    else if (said !== undefined || word === '-c' || !mayStand(word, words[at - 1])) stray ??= word;
    else others = true;
  }
  return { settings, stray, others };
}

function mayStand(word: string, before: string | undefined): boolean {
  return word.startsWith('-') || word.includes('=') || (before !== undefined && /^-[A-Za-z]$/.test(before));
}
