import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import { LoginSettingError } from './login.js';
import { askedTls, type NamedFile, type TlsMode, type TlsSettings } from './tls-asked.js';

/** TLS as a pool uses it. */
export interface Tls {
  /** `undefined` leaves it to the driver, which asks `PGSSLMODE`; false is without. */
  readonly options: Readonly<ConnectionOptions> | false | undefined;
  /** When the client's own certificate ends, in milliseconds since 1970; `undefined` without one. */
  readonly clientUntilMs: number | undefined;
  /** Whether any of it was read from a file. */
  readonly hasFiles: boolean;
}

/**
 * What the parameters of a url and the options of its pool ask of TLS. An option wins over its parameter. Whatever asks
 * for TLS gets it or fails: there is no mode that goes on without. Certificates are verified unless the mode is
 * `no-verify`; `verify-ca` trusts an authority whatever the name.
 *
 * @throws LoginSettingError for an unknown mode, options that contradict each other, and files that cannot be used.
 */
export function readTls(pool: string, parameters: ReadonlyMap<string, string>, settings: TlsSettings): Tls {
  const { mode, ca, cert, key, serverName } = askedTls(pool, parameters, settings);
  if (mode === undefined || mode === 'disable') {
    return { clientUntilMs: undefined, hasFiles: false, options: mode === undefined ? undefined : false };
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

/** Said aloud: else `NODE_TLS_REJECT_UNAUTHORIZED`, which somebody may have set for something else, would decide. */
export const VERIFIED: Readonly<ConnectionOptions> = { rejectUnauthorized: true };

function verification(mode: TlsMode, serverName: string | undefined): ConnectionOptions {
  if (mode === 'no-verify') return { rejectUnauthorized: false };
  if (mode === 'verify-ca') return { ...VERIFIED, checkServerIdentity: () => undefined };
  if (serverName === undefined) return VERIFIED;
  return {
    ...VERIFIED,
    servername: serverName,
    checkServerIdentity: (_, cert) => checkServerIdentity(serverName, cert),
  };
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
