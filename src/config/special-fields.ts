import { z } from 'zod';
import { isTimeZone } from '../core/time-window.js';
import type { Field } from './field.js';
import { credentialsEscaped, credentialsReadable, parseServerUrl } from './mask.js';

interface UrlAbout {
  readonly description: string;
  readonly schemes: readonly string[];
  readonly fallbackVariable?: string;
  /** What more such a URL has to be, and how that is told. */
  readonly further?: { readonly allowed: string; readonly holds: (url: URL) => boolean };
}

const PASSWORD = 'special characters of the password percent-encoded';

/** A server's URL, which carries a password more often than not and is a secret. */
export function serverUrl({ schemes, further, ...about }: UrlAbout): Field<string> {
  const value = z
    .string()
    .trim()
    .refine((text) => isServerUrl(text, schemes, further?.holds));
  const starts = listed(schemes.map((scheme) => `${scheme}://`));
  const parts = [`a URL that starts with ${starts}`, 'a port up to 65535', PASSWORD, further?.allowed];
  return {
    ...about,
    allowed: parts.filter((part) => part !== undefined).join(', '),
    defaultText: about.fallbackVariable === undefined ? 'none' : `\`${about.fallbackVariable}\``,
    secret: true,
    value,
    text: value,
  };
}

function listed(names: readonly string[]): string {
  return names.length < 3 ? names.join(' or ') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}

function isServerUrl(text: string, schemes: readonly string[], holds: (url: URL) => boolean = () => true): boolean {
  const url = parseServerUrl(text);
  if (url === undefined || !schemes.includes(url.protocol.slice(0, -1))) return false;
  return !credentialsEscaped(url) && credentialsReadable(url) && holds(url);
}

/** What the path of a Redis URL may be: its clients take anything, and go to the first database with what is no number. */
export const databaseNumber: NonNullable<UrlAbout['further']> = {
  allowed: 'and as its path nothing or the number of a database, a whole number from 0',
  holds: ({ pathname, searchParams }) =>
    [pathname.slice(1), ...searchParams.getAll('db')].every((name) => /^(?:0|[1-9]\d{0,8})?$/.test(name)),
};

const MOST_HEADERS = 16;
const headerName = z
  .string()
  .trim()
  .toLowerCase()
  .max(128)
  .regex(/^[!#$%&'*+.^_`|~0-9a-z-]+$/);

interface TextAbout {
  readonly description: string;
  readonly defaultText?: string;
}

/** The name of a request header, in lower case. */
export function header(about: TextAbout): Field<string> {
  return { ...about, allowed: 'the name of a header', value: headerName, text: headerName };
}

/** Names of request headers, in lower case and without duplicates; as text, separated by commas. */
export function headerList(about: TextAbout & { readonly default: readonly string[] }): Field<readonly string[]> {
  const value = z
    .array(headerName)
    .max(MOST_HEADERS)
    .transform((names): readonly string[] => [...new Set(names)]);
  return {
    ...about,
    allowed: `at most ${MOST_HEADERS} names of headers, in a variable separated by commas`,
    value,
    text: z
      .string()
      .transform((list) => list.split(','))
      .pipe(value),
  };
}

/** The name of a time zone. */
export function timeZone(about: TextAbout): Field<string> {
  const value = z.string().trim().max(64).refine(isTimeZone);
  return { ...about, allowed: 'a time zone of the IANA database, such as Europe/Berlin', value, text: value };
}
