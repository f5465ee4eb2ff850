import { settingsOf } from '../pools/pg-start-settings.js';

/** What a url sets for its sessions, which a pooler does not take from its clients. */
export interface ServerSettings {
  /** By name; the pooler sets them for its own sessions. */
  readonly carried: ReadonlyMap<string, string>;
  /** Names of what cannot stand in its file, or is not to. */
  readonly left: readonly string[];
}

/** Settings of the server itself: whoever makes up names of their own, with a dot, may keep secrets there. */
const OWN = /^[a-z_]+$/;
/** What ends a line of the file, or hides in it. */
export const NO_LINE: RegExp = /\p{Cc}/u;

/** @param parameters - Of the url of a pool. */
export function serverSettings(parameters: URLSearchParams): ServerSettings {
  const { settings, others } = settingsOf(parameters);
  const fits = ([name, value]: [string, string]): boolean => OWN.test(name) && !NO_LINE.test(value);
  const left = [...settings].filter((each) => !fits(each)).map(([name]) => name.replace(/[^\w.]/g, '?'));
  return { carried: new Map([...settings].filter(fits)), left: others ? [...left, 'switches in options'] : left };
}

/** What a connection without a pooler asks for when it starts. */
const CHECK = 'SET client_connection_check_interval = 500';

/** What the pooler runs on each new session of an entry, as its file has it. */
export function connectQuery({ carried }: ServerSettings): string {
  const set = [...carried].map(([name, value]) => `set_config(${quoted(name)}, ${quoted(value)}, false)`);
  // The BEGIN takes in what has run, and the COMMIT keeps it: an old server does not know what comes after that. One that
  // refuses a setting never gets to the BEGIN, which would leave every client of the session in a failed transaction.
  const query = set.length === 0 ? CHECK : `SELECT ${set.join(', ')}; BEGIN; COMMIT; ${CHECK}`;
  return `connect_query=${quoted(query)}`;
}

/** Lines of comment on what a url sets. */
export function settingsNotes({ carried, left }: ServerSettings): string[] {
  const here = 'the pooler takes none from its clients, so the url that leads to it has to go without';
  return [
    ...(carried.size === 0 ? [] : [`; its url sets ${[...carried.keys()].join(', ')}: set below; ${here}`]),
    ...(left.length === 0
      ? []
      : [`; its url also has ${left.join(', ')}, NOT set here: use ALTER ROLE ... SET; ${here}`]),
  ];
}

/** A value of an entry as its line has it. */
export function entryValue(text: string): string {
  return /^[\w.:/-]+$/.test(text) ? text : quoted(text);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
