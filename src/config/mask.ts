import { isPemText } from '../core/pem-text.js';

/** Stands for a secret in print. */
const MASK = '***';
/** Takes the place of a host that is empty; reserved by RFC 2606, so no server is called so. */
const NO_HOST = 'no-host.invalid';
/** Printed where no part of a value can be told to be harmless. */
const HIDDEN = '(hidden)';
const LONGEST_SHOWN = 120;
const SECRET_NAME = /pass|^pwd?$|secret|token|key|auth|credential/i;
const SECRET_PAIR = /(?:pass\w*|pwd|secret|token|credentials?)\s*[=:]/i;
const SERVER_URL = /^[a-z][a-z0-9+.-]*:\/\//i;

/**
 * A server's URL, or `undefined` when the text is none. A socket URL may have credentials and no host
 * (`postgres://user@/shop?host=/run/postgresql`), which the URL standard refuses and drivers accept.
 */
export function parseServerUrl(text: string): URL | undefined {
  if (!SERVER_URL.test(text)) return undefined;
  const candidates = [text, text.replace('@/', `@${NO_HOST}/`)];
  const candidate = candidates.find((each) => URL.canParse(each));
  return candidate === undefined ? undefined : new URL(candidate);
}

/**
 * Whether a piece of the credentials may have slipped into another part of the URL: a password with a bare `/`, `?` or
 * `#` ends the host early, and leaves its `@` behind.
 */
export function credentialsEscaped(url: URL): boolean {
  return url.pathname.includes('@') || url.hash.includes('@');
}

/** Whether what is percent-encoded in user and password can be read. */
export function credentialsReadable(url: URL): boolean {
  try {
    decodeURIComponent(url.username + url.password);
    return true;
  } catch {
    return false;
  }
}

/** Whether the value of a parameter of this name may be a secret. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** A URL with its password and the secrets among its query parameters masked; hidden whole when in doubt. */
export function maskUrl(text: string): string {
  const url = parseServerUrl(text);
  if (url === undefined || credentialsEscaped(url) || url.search.includes('@')) return HIDDEN;
  const fragment = url.hash === '' ? '' : `#${MASK}`;
  const host = url.host === NO_HOST ? '' : url.host;
  return `${url.protocol}//${maskCredentials(url)}${host}${url.pathname}${maskQuery(url.searchParams)}${fragment}`;
}

function maskQuery(query: URLSearchParams): string {
  const pairs = [...query];
  const first = pairs.findIndex(([name, value]) => isSecretName(name) || isPemText(value));
  const harmless = first === -1 ? pairs : pairs.slice(0, first);
  const shown = harmless.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
  const name = pairs[first]?.[0];
  if (name !== undefined) shown.push(`${encodeURIComponent(name)}=${MASK}`);
  // What follows may be the rest of a secret with a bare `&` in it.
  if (first !== -1 && first < pairs.length - 1) shown.push(MASK);
  return shown.length === 0 ? '' : `?${shown.join('&')}`;
}

function maskCredentials(url: URL): string {
  if (url.password !== '') return `${url.username}:${MASK}@`;
  if (url.username === '') return '';
  // PostgreSQL users without a password are common; elsewhere a lone user name may well be the password.
  return url.protocol.startsWith('postgres') ? `${url.username}@` : `${MASK}@`;
}

/**
 * Any value as text that is safe to print: a URL, a `password=` pair or a key that strayed into the wrong place is
 * masked, and what is long is cut.
 */
export function maskText(text: string): string {
  if (isPemText(text)) return HIDDEN;
  if (text.includes('://')) return shorten(maskUrl(text));
  return SECRET_PAIR.test(text) ? HIDDEN : shorten(text);
}

/** What a mistaken value looks like in a message: quoted if text, control characters escaped, secrets masked. */
export function showMistake(value: unknown, secret: boolean): string {
  switch (typeof value) {
    case 'string':
      return quoted(secret ? shorten(maskUrl(value)) : maskText(value));
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'bigint':
      return `${value}n`;
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? 'a list' : 'an object';
    default:
      return `a ${typeof value}`;
  }
}

function quoted(text: string): string {
  return text === HIDDEN ? text : JSON.stringify(text);
}

function shorten(text: string): string {
  return text.length <= LONGEST_SHOWN ? text : `${text.slice(0, LONGEST_SHOWN)}…`;
}
