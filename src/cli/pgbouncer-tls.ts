import { resolve } from 'node:path';
import type { AskedTls, NamedFile, TlsMode } from '../pools/tls-asked.js';
import { CliError } from './command.js';

/** Lines of `pgbouncer.ini` on TLS to the servers. The pooler has one set of them for all its servers. */
export type ServerTls = readonly string[];

/** What PgBouncer calls a mode: its `require` makes sure of nobody. */
const MODES: Readonly<Record<TlsMode, string>> = {
  disable: 'disable',
  'no-verify': 'require',
  require: 'verify-full',
  'verify-ca': 'verify-ca',
  'verify-full': 'verify-full',
};

/** What the driver does where a url says nothing of TLS and this variable does: see `PGSSLMODE` of libpq. */
const OF_ENVIRONMENT: ReadonlyMap<string | undefined, TlsMode> = new Map([
  ['prefer', 'verify-full'],
  ['require', 'verify-full'],
  ['verify-ca', 'verify-full'],
  ['verify-full', 'verify-full'],
  ['no-verify', 'no-verify'],
]);

/**
 * The lines by which a pooler asks a server for the TLS that a pool asks of it.
 *
 * @param cwd - Where relative paths of files start; the pooler may start elsewhere.
 * @param environmentMode - `PGSSLMODE`.
 * @throws {@link CliError} for what no line of PgBouncer says.
 */
export function serverTls(
  pool: string,
  host: string,
  asked: AskedTls,
  cwd: string,
  environmentMode: string | undefined,
): ServerTls {
  const { ca, cert, key, serverName, direct } = asked;
  const mode = asked.mode ?? OF_ENVIRONMENT.get(environmentMode) ?? 'disable';
  const refuse = (why: string): never => {
    throw new CliError(`pool "${pool}": ${why}`);
  };
  if (serverName !== undefined && serverName !== host) {
    refuse(
      `PgBouncer compares a certificate with the host of the url only: write ${serverName} there, for tlsServerName`,
    );
  }
  if (direct) refuse('PgBouncer asks for TLS in the clear first: leave sslnegotiation=direct out of the url');
  if (cert === undefined && key !== undefined) refuse('tlsKey means nothing alone; set tlsCert, too');
  if (cert !== undefined && key === undefined) refuse('tlsCert means nothing alone; set tlsKey, too');
  const verifies = MODES[mode].startsWith('verify');
  if (verifies && ca === undefined) {
    refuse(
      'PgBouncer trusts no authority by itself: name the file of the one behind the certificate of the server (tlsCa, ' +
        'or sslrootcert in the url), for a public one that of the system, such as /etc/ssl/certs/ca-certificates.crt',
    );
  }
  const line = (name: string, file: NamedFile | undefined): string[] => {
    if (file === undefined) return [];
    const path = resolve(cwd, file.path);
    if (/[\r\n]|\s$/.test(path)) refuse(`the path of ${file.field} does not fit into pgbouncer.ini; use plain letters`);
    return [`${name} = ${path}`];
  };
  return [
    `server_tls_sslmode = ${MODES[mode]}`,
    ...(verifies ? line('server_tls_ca_file', ca) : []),
    ...line('server_tls_cert_file', cert),
    ...line('server_tls_key_file', key),
  ];
}

/**
 * The lines for all pools, which have to ask for the same.
 *
 * @throws {@link CliError} where they do not.
 */
export function commonTls(pools: readonly { readonly name: string; readonly tls: ServerTls }[]): ServerTls {
  const [first, ...others] = pools;
  if (first === undefined) return [];
  const other = others.find(({ tls }) => tls.join() !== first.tls.join());
  if (other === undefined) return first.tls;
  throw new CliError(
    `pools "${first.name}" and "${other.name}" ask for TLS in different ways (${first.tls.join(', ')}; ` +
      `${other.tls.join(', ')}), and a PgBouncer asks all its servers in one: ask alike in both, or run a pooler for each`,
  );
}
