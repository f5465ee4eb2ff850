import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import { LoginSettingError } from './login.js';

/** The options of a pool that have to do with TLS. Paths name PEM files. */
export interface TlsSettings {
  /** Whether TLS is required even where the url does not say so. */
  readonly tls?: boolean | undefined;
  /** Certificates of the authorities to trust instead of those of the system. */
  readonly tlsCa?: string | undefined;
  /** The client's certificate; goes with `tlsKey`. */
  readonly tlsCert?: string | undefined;
  /** The key of the client's certificate, without a passphrase. */
  readonly tlsKey?: string | undefined;
  /** The name that the server's certificate must bear. Default: the host of the url. */
  readonly tlsServerName?: string | undefined;
}

/** TLS as a pool uses it. */
export interface Tls {
  /** `undefined` leaves it to the driver, which asks `PGSSLMODE`; false is without. */
  readonly options: Readonly<ConnectionOptions> | false | undefined;
  /** When the client's own certificate ends, in milliseconds since 1970; `undefined` without one. */
  readonly clientUntilMs: number | undefined;
  /** Whether any of it was read from a file. */
  readonly hasFiles: boolean;
}

/** The parameters of a url that are read here, and by nobody else. */
export const TLS_PARAMETERS: ReadonlySet<string> = new Set([
  'ssl',
  'sslmode',
  'sslcert',
  'sslkey',
  'sslrootcert',
  'uselibpqcompat',
  'sslnegotiation',
]);

const MODES = ['disable', 'no-verify', 'require', 'verify-ca', 'verify-full'] as const;
type Mode = (typeof MODES)[number];

/**
 * What the parameters of a url and the options of its pool ask of TLS. An option wins over its parameter. Whatever asks
 * for TLS gets it or fails: there is no mode that goes on without. Certificates are verified unless the mode is
 * `no-verify`; `verify-ca` trusts an authority whatever the name.
 *
 * @throws LoginSettingError for an unknown mode, options that contradict each other, and files that cannot be used.
 */
export function readTls(pool: string, parameters: ReadonlyMap<string, string>, settings: TlsSettings): Tls {
  const said = modeOf(pool, parameters);
  const ca = fileFor(settings.tlsCa, 'tlsCa', parameters, 'sslrootcert');
  const cert = fileFor(settings.tlsCert, 'tlsCert', parameters, 'sslcert');
  const key = fileFor(settings.tlsKey, 'tlsKey', parameters, 'sslkey');
  const { tls = false, tlsServerName: serverName } = settings;
  const direct = parameters.get('sslnegotiation') === 'direct';
  const wanted = tls || direct || [ca, cert, key, serverName].some((each) => each !== undefined);
  if (said === 'disable' && wanted) {
    throw new LoginSettingError(pool, 'url', 'sslmode=disable', 'another option asks for TLS; use sslmode=verify-full');
  }
  const bare = { clientUntilMs: undefined, hasFiles: false };
  if (said === 'disable') return { ...bare, options: false };
  if (said === undefined && !wanted) return { ...bare, options: undefined };
  const mode = said ?? 'verify-full';
  if (mode === 'verify-ca' && ca === undefined) {
    throw new LoginSettingError(
      pool,
      'url',
      'sslmode=verify-ca',
      'no authority is named, and any public one would do; set tlsCa, or use sslmode=verify-full',
    );
  }
  const client = readClient(pool, cert, key);
  return {
    options: {
      ...verification(mode, serverName),
      ...(ca === undefined ? {} : { ca: readCertificates(pool, ca).pem }),
      ...(client === undefined ? {} : { cert: client.cert, key: client.key }),
    },
    clientUntilMs: client?.untilMs,
    hasFiles: ca !== undefined || client !== undefined,
  };
}

function verification(mode: Mode, serverName: string | undefined): ConnectionOptions {
  if (mode === 'no-verify') return { rejectUnauthorized: false };
  if (mode === 'verify-ca') return { checkServerIdentity: () => undefined };
  if (serverName === undefined) return {};
  return { servername: serverName, checkServerIdentity: (_, cert) => checkServerIdentity(serverName, cert) };
}

function modeOf(pool: string, parameters: ReadonlyMap<string, string>): Mode | undefined {
  const mode = parameters.get('sslmode');
  const known = MODES.find((each) => each === mode);
  if (known === undefined && mode !== undefined) {
    const why = mode === 'allow' || mode === 'prefer' ? 'it would go on without TLS; ' : '';
    throw new LoginSettingError(pool, 'url', `sslmode=${mode}`, `${why}use one of ${MODES.join(', ')}`);
  }
  if (known === 'require' && parameters.get('uselibpqcompat') === 'true') {
    return parameters.has('sslrootcert') ? 'verify-ca' : 'no-verify';
  }
  if (known !== undefined) return known;
  const ssl = parameters.get('ssl');
  switch (ssl) {
    case undefined:
      return undefined;
    case 'true':
    case '1':
      return 'verify-full';
    case 'no-verify':
      return 'no-verify';
    case 'false':
    case '0':
      return 'disable';
    default:
      throw new LoginSettingError(pool, 'url', `ssl=${ssl}`, `use sslmode with one of ${MODES.join(', ')}`);
  }
}

interface NamedFile {
  /** The option that named it, and how it did. */
  readonly field: string;
  readonly shown: string;
  readonly path: string;
}

function fileFor(
  option: string | undefined,
  field: string,
  parameters: ReadonlyMap<string, string>,
  parameter: string,
): NamedFile | undefined {
  if (option !== undefined) return { field, shown: option, path: option };
  const path = parameters.get(parameter);
  // The word with which a url asks for the authorities of the system, which are the default here.
  if (path === undefined || path === '' || (parameter === 'sslrootcert' && path === 'system')) return undefined;
  return { field: 'url', shown: `${parameter}=${path}`, path };
}

function readFile(pool: string, { field, shown, path }: NamedFile): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new LoginSettingError(
      pool,
      field,
      shown,
      `the file cannot be read (${code}); name a PEM file that is readable`,
    );
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The certificates of a file, all of which must be in order. */
function readCertificates(pool: string, file: NamedFile): { readonly pem: string; readonly first: X509Certificate } {
  const pem = readFile(pool, file);
  try {
    const [first] = (pem.match(CERTIFICATE) ?? []).map((each) => new X509Certificate(each));
    if (first !== undefined) return { pem, first };
  } catch {
    // Told below, in the words for a file without any.
  }
  throw new LoginSettingError(pool, file.field, file.shown, 'it has no certificate that can be read; use a PEM file');
}

interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
  readonly untilMs: number;
}

function readClient(
  pool: string,
  cert: NamedFile | undefined,
  key: NamedFile | undefined,
): ClientCertificate | undefined {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    const given = cert ?? key;
    const missing = cert === undefined ? 'tlsCert' : 'tlsKey';
    throw new LoginSettingError(
      pool,
      given?.field ?? missing,
      given?.shown,
      `means nothing alone; set ${missing}, too`,
    );
  }
  const { pem, first } = readCertificates(pool, cert);
  const text = readFile(pool, key);
  let secret: KeyObject;
  try {
    secret = createPrivateKey(text);
  } catch {
    throw new LoginSettingError(
      pool,
      key.field,
      key.shown,
      'it is no private key that can be read; use a PEM file with a key that has no passphrase',
    );
  }
  if (!first.checkPrivateKey(secret)) {
    throw new LoginSettingError(pool, key.field, key.shown, `it is not the key of the certificate in ${cert.path}`);
  }
  return { cert: pem, key: text, untilMs: Date.parse(first.validTo) };
}
