import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import { changedLogin, type Login, type LoginChange, LoginSettingError, type PasswordSource } from './login.js';
import { startSettingsOf } from './pg-client.js';
import { readPgParameters } from './pg-parameters.js';
import { startLimitMs } from './pg-start-settings.js';
import type { TlsSettings } from './tls-asked.js';
import { readTls, type Tls, VERIFIED } from './tls-settings.js';

/** Modes of `PGSSLMODE` for which the driver asks for TLS and a certificate that can be verified. */
const VERIFIED_MODES: readonly string[] = ['prefer', 'require', 'verify-ca', 'verify-full'];

/** Where a pool connects, and as whom. */
export interface PgTargetSettings extends TlsSettings, Login {}

const SCHEME = /^postgres(?:ql)?:\/\//i;

/** One way in to a PostgreSQL server, checked as far as that is possible without trying it. Prints no secret. */
export class PgTarget {
  /** A sentence for each parameter of the url that other programs know, and that does nothing here. */
  readonly unheeded: readonly string[];
  /** The limit of statements that the url or `PGOPTIONS` sets, in milliseconds; `Infinity` where they set none. */
  readonly statementLimitMs: number;
  /** The server and the database that it leads to. */
  readonly place: string;
  readonly #pool: string;
  readonly #settings: PgTargetSettings;
  /** The url without what is said of TLS. */
  readonly #url: string;
  readonly #negotiation: 'direct' | undefined;
  readonly #tls: Tls;

  /** @throws LoginSettingError that names the option, its value unless that is a secret, and the remedy. */
  constructor(pool: string, settings: PgTargetSettings) {
    this.#pool = pool;
    this.#settings = settings;
    const { rest, tls, unheeded } = readPgParameters(pool, settings.url);
    this.unheeded = unheeded;
    this.#url = rest;
    this.#negotiation = negotiationOf(pool, tls.get('sslnegotiation'));
    this.#tls = readTls(pool, tls, settings);
    const client = this.#checkedClient();
    this.place = `${client.host}:${client.port}/${client.database}`;
    const { statement_timeout, options } = startSettingsOf(client);
    this.statementLimitMs = startLimitMs(statement_timeout, options);
  }

  /** The function that gives the password, if one does. */
  get password(): PasswordSource | undefined {
    return this.#settings.password;
  }

  /** When the client's own certificate ends, in milliseconds since 1970. */
  get clientUntilMs(): number | undefined {
    return this.#tls.clientUntilMs;
  }

  /** A client that is not connected yet. */
  client(config: pg.ClientConfig): pg.Client {
    const options = this.#tls.options ?? ofEnvironment();
    // The driver marks the key of the object that it is given.
    const ssl = typeof options === 'object' ? { ...options } : options;
    return new pg.Client({
      ...config,
      ...(this.#negotiation === undefined ? {} : { sslnegotiation: this.#negotiation }),
      ...(ssl === undefined ? {} : { ssl }),
      connectionString: this.#url,
    });
  }

  /**
   * The same with changes. Files are read again.
   *
   * @throws LoginSettingError as the constructor.
   */
  changed(change: LoginChange): PgTarget {
    return new PgTarget(this.#pool, {
      ...this.#settings,
      ...changedLogin(this.#pool, this.#settings, change, this.#tls.hasFiles, withLogin),
    });
  }

  #checkedClient(): pg.Client {
    const remedy = 'it is not a connection URL: use postgres://user:password@host:5432/database';
    if (!SCHEME.test(this.#url)) throw new LoginSettingError(this.#pool, 'url', undefined, remedy);
    let client: pg.Client;
    try {
      client = this.client({});
    } catch {
      throw new LoginSettingError(this.#pool, 'url', undefined, remedy);
    }
    const { port } = client;
    if (port >= 1 && port <= 65_535) return client;
    throw new LoginSettingError(this.#pool, 'url', `port=${port}`, 'give a port from 1 to 65535; PostgreSQL has 5432');
  }
}

/** What the driver would take from the environment, with the verification that is meant by it. */
function ofEnvironment(): Readonly<ConnectionOptions> | undefined {
  const mode = process.env.PGSSLMODE;
  return mode !== undefined && VERIFIED_MODES.includes(mode) ? VERIFIED : undefined;
}

function negotiationOf(pool: string, said: string | undefined): 'direct' | undefined {
  if (said === 'direct') return said;
  if (said === undefined || said === 'postgres') return undefined;
  throw new LoginSettingError(pool, 'url', `sslnegotiation=${said}`, 'use postgres or direct');
}

/** Puts a user and a password into a url, wherever it had others. */
function withLogin(url: string, user: string | undefined, password: string | undefined): string {
  // A change that is no url must not pass for one by having a user put into it.
  if ((user === undefined && password === undefined) || !SCHEME.test(url)) return url;
  const [, scheme = '', login = '', rest = ''] = /^([a-z]+:\/\/)(?:([^@/?#]*)@)?(.*)$/is.exec(url) ?? [];
  const query = new URLSearchParams(rest.slice(rest.indexOf('?') + 1));
  const inQuery = (name: string): string | null => (rest.includes('?') ? query.get(name) : null);
  const colon = login.indexOf(':');
  const oldUser = inQuery('user') ?? decodeURIComponent(colon === -1 ? login : login.slice(0, colon));
  const oldPassword = inQuery('password') ?? decodeURIComponent(colon === -1 ? '' : login.slice(colon + 1));
  const name = encodeURIComponent(user ?? oldUser);
  return `${scheme}${name}:${encodeURIComponent(password ?? oldPassword)}@${withoutLogin(rest)}`;
}

function withoutLogin(rest: string): string {
  const at = rest.indexOf('?');
  if (at === -1) return rest;
  const kept = rest
    .slice(at + 1)
    .split('&')
    .filter((pair) => !/^(?:user|password)=/.test(pair));
  return rest.slice(0, at) + (kept.length === 0 ? '' : `?${kept.join('&')}`);
}
