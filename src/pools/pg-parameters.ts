import { KEEPALIVE_DELAY_MS } from './keepalive.js';
import { LoginSettingError } from './login.js';
import { checkStartSetting } from './pg-start-settings.js';
import { TLS_PARAMETERS } from './tls-asked.js';
import { noteOnce, unreadParameter } from './url-parameters.js';

/** What the driver reads of a url, beside what is said of TLS. */
const READ: ReadonlySet<string> = new Set([
  'host',
  'port',
  'user',
  'password',
  'options',
  'application_name',
  'fallback_application_name',
  'client_encoding',
  'replication',
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
]);

/** A parameter that programs on libpq know, and the driver does not. */
interface Unheeded {
  /** What holds or helps in its place. */
  readonly instead: string;
  /** Without it the url would lead elsewhere, or protect less than it says: always, or with this value. */
  readonly refused?: true | string;
}

const KEEPALIVE: Unheeded = { instead: `keepalive is on, after ${KEEPALIVE_DELAY_MS} ms of quiet` };
const KERBEROS: Unheeded = { instead: 'the driver has no Kerberos; use a password or a certificate' };
const SERVICE: Unheeded = { instead: 'no service file is read; write host, port and database', refused: true };
const REVOKED: Unheeded = {
  instead: 'revoked certificates are not looked for; leave it out to accept that',
  refused: true,
};
const OAUTH: Unheeded = { instead: 'give the token with the password function of the pool' };
const SCRAM: Unheeded = { instead: 'use a password' };
const NOTHING: Unheeded = { instead: 'leave it out' };

const UNHEEDED: ReadonlyMap<string, Unheeded> = new Map<string, Unheeded>([
  ['connect_timeout', { instead: 'connectTimeoutMs of the pool bounds an attempt' }],
  ['keepalives', KEEPALIVE],
  ['keepalives_idle', KEEPALIVE],
  ['keepalives_interval', KEEPALIVE],
  ['keepalives_count', KEEPALIVE],
  ['tcp_user_timeout', { instead: 'deadlines end what waits on a dead line' }],
  ['target_session_attrs', { instead: 'let the url lead to the primary; who takes no writes is left' }],
  ['load_balance_hosts', { instead: 'name one address' }],
  ['channel_binding', { instead: 'sslmode=verify-full makes sure of the server' }],
  ['passfile', { instead: 'set PGPASSFILE' }],
  ['sslpassword', { instead: 'use a key without a passphrase' }],
  ['sslcompression', NOTHING],
  ['sslsni', NOTHING],
  ['sslcertmode', NOTHING],
  ['sslkeylogfile', NOTHING],
  ['min_protocol_version', NOTHING],
  ['max_protocol_version', NOTHING],
  ['ssl_min_protocol_version', { instead: 'start Node with --tls-min-v1.3', refused: 'TLSv1.3' }],
  ['ssl_max_protocol_version', { instead: 'start Node with --tls-max-v1.2' }],
  ['gssencmode', { instead: 'encryption is by TLS; use sslmode=verify-full', refused: 'require' }],
  ['krbsrvname', KERBEROS],
  ['gsslib', KERBEROS],
  ['gssdelegation', KERBEROS],
  ['oauth_issuer', OAUTH],
  ['oauth_client_id', OAUTH],
  ['oauth_client_secret', OAUTH],
  ['oauth_scope', OAUTH],
  ['scram_client_key', SCRAM],
  ['scram_server_key', SCRAM],
  ['sslcrl', REVOKED],
  ['sslcrldir', REVOKED],
  ['require_auth', { instead: 'the way to log in is not checked; leave it out to accept any', refused: true }],
  ['requirepeer', { instead: 'the owner of the server is not checked; leave it out to accept any', refused: true }],
  ['hostaddr', { instead: 'use the address as host, and tlsServerName for its name', refused: true }],
  ['service', SERVICE],
  ['servicefile', SERVICE],
  ['dbname', { instead: 'the database is what follows the host: postgres://host/database', refused: true }],
]);

const SCHEMA = 'use options=-c%20search_path%3D and the schema';
/** Names of other drivers and tools. */
const HINTS: ReadonlyMap<string, string> = new Map([
  ['schema', SCHEMA],
  ['currentschema', SCHEMA],
  ['search_path', SCHEMA],
  ['database', 'the database is what follows the host: postgres://host/database'],
  ['tls', 'use sslmode=verify-full'],
  ['requiressl', 'use sslmode=require'],
  ['sslaccept', 'use sslmode=no-verify, or sslmode=verify-full'],
  ['sslca', 'use sslrootcert'],
  ['ssl_ca', 'use sslrootcert'],
]);

/** The parameters of a url, apart by who reads them. */
export interface PgParameters {
  /** The url without what is said of TLS. */
  readonly rest: string;
  readonly tls: ReadonlyMap<string, string>;
  /** A sentence for each that is known to other programs, and does nothing here. */
  readonly unheeded: readonly string[];
}

/** @throws LoginSettingError for a parameter that nobody reads, or without which less would hold than the url says. */
export function readPgParameters(pool: string, url: string): PgParameters {
  const at = url.indexOf('?');
  if (at === -1) return { rest: url, tls: new Map(), unheeded: [] };
  const base = url.slice(0, at);
  const tls = new Map<string, string>();
  const seen: string[] = [];
  const kept: string[] = [];
  const unheeded: string[] = [];
  for (const pair of url.slice(at + 1).split('&')) {
    const [entry] = new URLSearchParams(pair);
    if (entry === undefined) continue;
    const [name, value] = entry;
    const about = UNHEEDED.get(name);
    checkStartSetting(pool, name, value);
    if (TLS_PARAMETERS.has(name)) noteOnce(pool, tls, entry);
    else if (READ.has(name)) kept.push(pair);
    else if (about === undefined) throw unreadParameter(pool, [name, value], seen, [...TLS_PARAMETERS, ...READ], HINTS);
    else if (!leadsThere(base, name, value)) unheeded.push(unheededText(pool, name, value, about));
    seen.push(name);
  }
  return { rest: base + (kept.length === 0 ? '' : `?${kept.join('&')}`), tls, unheeded };
}

/** Whether the url says the same without it. */
function leadsThere(base: string, name: string, value: string): boolean {
  return name === 'dbname' && base.endsWith(`/${encodeURIComponent(value)}`);
}

function unheededText(pool: string, name: string, value: string, { instead, refused }: Unheeded): string {
  if (refused === true || refused === value) {
    const shown = refused === true ? '…' : value;
    throw new LoginSettingError(pool, 'url', `${name}=${shown}`, `the driver does not read it; ${instead}`);
  }
  return `the driver does not read ${name} of the url: ${instead}`;
}
