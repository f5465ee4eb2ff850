import type { PoolConfig } from '../config/config.js';
import { LoginSettingError } from '../pools/login.js';
import { isMysqlUrl } from '../pools/mysql-target.js';
import { pgAddressOf } from '../pools/pg-address.js';
import { readPgParameters } from '../pools/pg-parameters.js';
import { askedTls } from '../pools/tls-asked.js';
import { CliError, type CliIo } from './command.js';
import { NO_LINE, type ServerSettings, serverSettings } from './pgbouncer-settings.js';
import { type ServerTls, serverTls } from './pgbouncer-tls.js';

/** One pool of a gateway, as its pooler is to serve it. */
export interface PooledEntry {
  /** Of the pool. */
  readonly name: string;
  /** Most connections of one instance. */
  readonly max: number;
  readonly minIdle: number;
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** Goes to the server itself. */
  readonly bypasses: boolean;
  readonly tls: ServerTls;
  readonly settings: ServerSettings;
}

/** PgBouncer answers to it itself, and takes no entry of that name. */
const CONSOLE = 'pgbouncer';

/** False for pools on MySQL, with which a pooler of PostgreSQL has nothing to do. */
export function isOnPostgres({ url }: Pick<PoolConfig, 'url'>): boolean {
  return !isMysqlUrl(url);
}

/**
 * What the pooler is to have for a pool.
 *
 * @param listenPort - Of the pooler.
 * @throws {@link CliError} for what does not fit into its file, and for a url that leads to the pooler itself.
 */
export function entryFor(config: PoolConfig, listenPort: number, { cwd, env }: CliIo): PooledEntry {
  const { name, max, minIdle, url, admin, pooler } = config;
  const bypasses = admin || pooler === 'none';
  try {
    const { rest, tls } = readPgParameters(name, url);
    const { host, port, database } = pgAddressOf(rest);
    const settings = serverSettings(new URLSearchParams(rest.split('?')[1] ?? ''));
    const entry = { name, max, minIdle, host, port, database, bypasses, settings };
    if (bypasses) return { ...entry, tls: [] };
    checkEntry(entry, listenPort);
    return { ...entry, tls: serverTls(name, host, askedTls(name, tls, config), cwd, env.PGSSLMODE) };
  } catch (error) {
    if (error instanceof LoginSettingError) throw new CliError(error.message);
    throw error;
  }
}

function checkEntry({ name, host, port, database }: Omit<PooledEntry, 'tls' | 'settings'>, listenPort: number): void {
  if (name === CONSOLE) {
    throw new CliError(`pool "${name}": PgBouncer keeps this name for its console; call the pool something else`);
  }
  if (database === '') throw new CliError(`pool "${name}": its url names no database; write postgres://host/database`);
  for (const [field, value] of Object.entries({ host, database })) {
    if (!NO_LINE.test(value)) continue;
    throw new CliError(
      `pool "${name}": the ${field} of its url has what ends a line; a line of pgbouncer.ini has none`,
    );
  }
  if (host.includes(',')) {
    throw new CliError(`pool "${name}": the host of its url is a list, which the driver does not read; name one host`);
  }
  if (port !== listenPort || !isHere(host)) return;
  throw new CliError(
    `pool "${name}": its url leads to ${addressText({ host, port })}, where the pooler is to listen, so that it would lead to itself: ` +
      'give the url of the server to this command, or another --port',
  );
}

/** A name of this machine, or a socket on it. */
function isHere(host: string): boolean {
  return host.startsWith('/') || /^(?:localhost|127\.[\d.]+|::1|\[::1\]|0\.0\.0\.0)$/i.test(host);
}

/** A server as the urls of pools on it write it: in several ways where they do. */
export function serverNames(pools: readonly Pick<PooledEntry, 'host' | 'port'>[]): string {
  return [...new Set(pools.map(addressText))].join(' = ');
}

function addressText({ host, port }: Pick<PooledEntry, 'host' | 'port'>): string {
  return `${host.startsWith('/') ? host : host.includes(':') ? `[${host}]` : host.toLowerCase()}:${port}`;
}

/** What tells servers apart: all ways to write this machine are one. */
export function serverKey(place: Pick<PooledEntry, 'host' | 'port'>): string {
  const { host, port } = place;
  return isHere(host) && !host.startsWith('/') ? `localhost:${port}` : addressText(place);
}
