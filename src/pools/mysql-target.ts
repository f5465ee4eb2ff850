import type { Socket } from 'node:net';
import type { ConnectionOptions, SslOptions } from 'mysql2';
import { changedLogin, type Login, type LoginChange, LoginSettingError, type PasswordSource } from './login.js';
import { TLS_PARAMETERS, type TlsSettings } from './tls-asked.js';
import { readTls, type Tls } from './tls-settings.js';
import { noteOnce, unreadParameter } from './url-parameters.js';

/** Where a pool connects, and as whom. */
export interface MysqlTargetSettings extends TlsSettings, Login {}

/** Where a server listens: a host and a port, or the path of a socket. */
export type MysqlAddress = { readonly host: string; readonly port: number } | { readonly path: string };

const REMEDY = 'it is not a connection URL: use mysql://user:password@host:3306/database';
const DEFAULT_PORT = 3_306;
/** The words of MySQL's own tools for `sslmode`. Whoever requires TLS here gets it verified. */
const SSL_MODES: Readonly<Record<string, string>> = {
  DISABLED: 'disable',
  PREFERRED: 'prefer',
  REQUIRED: 'require',
  VERIFY_CA: 'verify-ca',
  VERIFY_IDENTITY: 'verify-full',
};
/** How values arrive; the rest of the driver's options are not for a url. */
const RESULT_PARAMETERS = ['timezone', 'dateStrings', 'decimalNumbers', 'bigNumberStrings', 'jsonStrings'] as const;
const KNOWN = ['sslmode', 'ssl-mode', 'sslrootcert', 'sslcert', 'sslkey', 'socketPath', ...RESULT_PARAMETERS] as const;
/** A plus that is not percent-encoded arrives as a blank. Of another zone the driver would make UTC, without a word. */
const TIMEZONE = /^(?:local|Z|[ +-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))$/;
/** Names of other drivers and tools. */
const HINTS: ReadonlyMap<string, string> = new Map([
  ['tls', 'use sslmode=verify-full'],
  ['usessl', 'use sslmode=verify-full'],
  ['sslaccept', 'use sslmode=no-verify, or sslmode=verify-full'],
  ['ssl-ca', 'use sslrootcert'],
  ['ssl-cert', 'use sslcert'],
  ['ssl-key', 'use sslkey'],
  ['socket', 'use socketPath'],
  ['charset', 'leave it out: sessions are utf8mb4'],
]);

/** Whether a url leads to MySQL or MariaDB. */
export function isMysqlUrl(url: string): boolean {
  return /^(?:mysql|mariadb):\/\//i.test(url);
}

/** One way in to a MySQL or MariaDB server, checked as far as that is possible without trying it. Prints no secret. */
export class MysqlTarget {
  readonly address: MysqlAddress;
  readonly database: string | undefined;
  readonly #pool: string;
  readonly #settings: MysqlTargetSettings;
  readonly #url: URL;
  readonly #tls: Tls;
  readonly #results: Readonly<Record<string, unknown>>;

  /** @throws LoginSettingError that names the option, its value unless that is a secret, and the remedy. */
  constructor(pool: string, settings: MysqlTargetSettings) {
    this.#pool = pool;
    this.#settings = settings;
    if (!isMysqlUrl(settings.url) || !URL.canParse(settings.url)) {
      throw new LoginSettingError(pool, 'url', undefined, REMEDY);
    }
    this.#url = new URL(settings.url);
    const { tls, results, path } = readParameters(pool, this.#url.searchParams);
    this.#tls = readTls(pool, tls, settings);
    this.#results = results;
    this.database = decodeURIComponent(this.#url.pathname.slice(1)) || undefined;
    const host = this.#url.hostname.replace(/^\[|\]$/g, '') || 'localhost';
    this.address = path === undefined ? { host, port: Number(this.#url.port) || DEFAULT_PORT } : { path };
  }

  /** The function that gives the password, if one does. */
  get password(): PasswordSource | undefined {
    return this.#settings.password;
  }

  /** When the client's own certificate ends, in milliseconds since 1970. */
  get clientUntilMs(): number | undefined {
    return this.#tls.clientUntilMs;
  }

  get usesTls(): boolean {
    return typeof this.#tls.options === 'object';
  }

  /** @param socket - On its way to {@link address}. */
  options(socket: Socket, password: string | undefined, attributes: Record<string, string>): ConnectionOptions {
    const user = decodeURIComponent(this.#url.username);
    return {
      ...this.#results,
      // The driver takes the name that the certificate must bear from here, and connects by the socket that it gets.
      host: this.#tlsName,
      user,
      password: password ?? decodeURIComponent(this.#url.password),
      ...(this.database === undefined ? {} : { database: this.database }),
      ...this.#ssl,
      stream: () => socket,
      connectAttributes: attributes,
      connectTimeout: 0,
      supportBigNumbers: true,
      // Names of functions would be reserved words, and only until the first reset of the session.
      flags: ['-IGNORE_SPACE'],
    };
  }

  /**
   * The same with changes. Files are read again.
   *
   * @throws LoginSettingError as the constructor.
   */
  changed(change: LoginChange): MysqlTarget {
    return new MysqlTarget(this.#pool, {
      ...this.#settings,
      ...changedLogin(this.#pool, this.#settings, change, this.#tls.hasFiles, withLogin),
    });
  }

  get #tlsName(): string {
    const { options } = this.#tls;
    const named = typeof options === 'object' ? options.servername : undefined;
    return named ?? ('host' in this.address ? this.address.host : 'localhost');
  }

  get #ssl(): { ssl?: SslOptions } {
    const { options } = this.#tls;
    if (typeof options !== 'object') return {};
    const { ca, cert, key, rejectUnauthorized = true, servername, checkServerIdentity } = options;
    // A check of its own that is not for another name is one that takes any name: see readTls.
    const anyName = checkServerIdentity !== undefined && servername === undefined;
    const material = Object.fromEntries(Object.entries({ ca, cert, key }).filter(([, each]) => each !== undefined));
    return { ssl: { ...material, rejectUnauthorized, verifyIdentity: rejectUnauthorized && !anyName } };
  }
}

/** Puts a user and a password into a url. What is no url stays as it is. */
function withLogin(url: string, user: string | undefined, password: string | undefined): string {
  if (!isMysqlUrl(url) || !URL.canParse(url)) return url;
  const parsed = new URL(url);
  if (user !== undefined) parsed.username = encodeURIComponent(user);
  if (password !== undefined) parsed.password = encodeURIComponent(password);
  return parsed.href;
}

interface Parameters {
  readonly tls: ReadonlyMap<string, string>;
  readonly results: Readonly<Record<string, unknown>>;
  readonly path: string | undefined;
}

function readParameters(pool: string, query: URLSearchParams): Parameters {
  const tls = new Map<string, string>();
  const results: Record<string, unknown> = {};
  const seen: string[] = [];
  let path: string | undefined;
  for (const [name, value] of query) {
    if (name === 'ssl-mode') noteOnce(pool, tls, ['sslmode', SSL_MODES[value.toUpperCase()] ?? value], name);
    else if (TLS_PARAMETERS.has(name) && name !== 'sslnegotiation') noteOnce(pool, tls, [name, value]);
    else if (name === 'socketPath') path = value;
    else if (RESULT_PARAMETERS.some((each) => each === name)) results[name] = settingOf(pool, name, value);
    else throw unreadParameter(pool, [name, value], seen, KNOWN, HINTS);
    seen.push(name);
  }
  return { tls, results, path };
}

function settingOf(pool: string, name: string, value: string): string | boolean {
  const refuse = (remedy: string): never => {
    throw new LoginSettingError(pool, 'url', `${name}=${value}`, remedy);
  };
  if (name === 'timezone') {
    if (TIMEZONE.test(value)) return value;
    return refuse(
      'use local, Z (which is UTC), or an offset up to 14:00 as +02:00 or -05:30; zones have no names here',
    );
  }
  // To the driver every other word, 0 among them, would be a yes.
  return value === 'true' || value === 'false' ? value === 'true' : refuse('use true or false');
}
