import { z } from 'zod';
import { isTimeZone } from '../core/time-window.js';
import type { Field } from './field.js';
import { credentialsEscaped, credentialsReadable, parseServerUrl } from './mask.js';

interface UrlAbout {
  readonly description: string;
  readonly schemes: readonly string[];
  readonly fallbackVariable?: string;
  /** What more such a URL has to be, and how that is told. */
  readonly further?: { readonly allowed: string; readonly holds: (url: URL, text: string) => boolean };
}

const PASSWORD = 'special characters of the password percent-encoded';

/** A server's URL, which carries a password more often than not and is a secret. */
export function serverUrl({ schemes, further, ...about }: UrlAbout): Field<string> {
  const value = z
    .string()
    .trim()
    .refine((text) => isServerUrl(text, schemes, further?.holds));
  const starts = listed(schemes.map((scheme) => `${scheme}://`));
  const parts = [`a URL that starts with ${starts}`, 'a port from 1 to 65535', PASSWORD, further?.allowed];
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

type Holds = NonNullable<UrlAbout['further']>['holds'];

function isServerUrl(text: string, schemes: readonly string[], holds: Holds = () => true): boolean {
  const url = parseServerUrl(text);
  if (url === undefined || url.port === '0' || !schemes.includes(url.protocol.slice(0, -1))) return false;
  return !credentialsEscaped(url) && credentialsReadable(url) && holds(url, text);
}

/** Parameters of a Redis URL, and what their values have to be: its client takes any option from there, over ours. */
const REDIS_PARAMETERS: ReadonlyMap<string, RegExp> = new Map([
  ['db', /^(?:0|[1-9]\d{0,8})?$/],
  ['family', /^[046]$/],
  ['username', /^/],
  ['password', /^/],
  ['connectionName', /^/],
]);

/**
 * What a Redis URL has to be besides. Its clients take anything for a path, and go to the first database with what is no
 * number. They read it by the URL standard, which knows no credentials without a host: a template with an unset
 * variable makes such a URL, and the error of the client shows the password.
 */
export const redisUrl: NonNullable<UrlAbout['further']> = {
  allowed:
    'a host where there is a user or password, and as its path nothing or the number of a database, a whole number from 0; ' +
    'of parameters only db, family, username, password and connectionName',
  holds: ({ pathname, searchParams }, text) =>
    URL.canParse(text) &&
    [['db', pathname.slice(1)] as const, ...searchParams].every(
      ([name, value]) => REDIS_PARAMETERS.get(name)?.test(value) === true,
    ),
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
