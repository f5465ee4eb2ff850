import { isPemText, PEM_TEXT_REMEDY } from '../core/pem-text.js';
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
/** What is made sure of: `require` is as strict as `verify-full`. */
export type TlsMode = (typeof MODES)[number];

/** What a pool asks of TLS, before any file is read. */
export interface AskedTls {
  /** `undefined`: nothing is said, and the driver asks `PGSSLMODE`. */
  readonly mode: TlsMode | undefined;
  readonly ca: NamedFile | undefined;
  readonly cert: NamedFile | undefined;
  readonly key: NamedFile | undefined;
  /** The name that the server's certificate must bear, where that is not the host. */
  readonly serverName: string | undefined;
  /** From the first byte, without a question in the clear. */
  readonly direct: boolean;
}

/** A file that was named. */
export interface NamedFile {
  /** The option that named it, and how it did. */
  readonly field: string;
  readonly shown: string;
  readonly path: string;
}

/**
 * What the parameters of a url and the options of its pool ask of TLS. An option wins over its parameter.
 *
 * @throws LoginSettingError for an unknown mode, options that contradict each other, and the text of a file for its path.
 */
export function askedTls(pool: string, parameters: ReadonlyMap<string, string>, settings: TlsSettings): AskedTls {
  const said = modeOf(pool, parameters);
  const ca = fileFor(pool, settings.tlsCa, 'tlsCa', parameters, 'sslrootcert');
  const cert = fileFor(pool, settings.tlsCert, 'tlsCert', parameters, 'sslcert');
  const key = fileFor(pool, settings.tlsKey, 'tlsKey', parameters, 'sslkey');
  const { tls = false, tlsServerName: serverName } = settings;
  const direct = parameters.get('sslnegotiation') === 'direct';
  const wanted = tls || direct || [ca, cert, key, serverName].some((each) => each !== undefined);
  if (said === 'disable' && wanted) {
    throw new LoginSettingError(pool, 'url', 'sslmode=disable', 'another option asks for TLS; use sslmode=verify-full');
  }
  const mode = said ?? (wanted ? 'verify-full' : undefined);
  if (mode === 'verify-ca' && ca === undefined) {
    throw new LoginSettingError(
      pool,
      'url',
      'sslmode=verify-ca',
      'no authority is named, and any public one would do; set tlsCa, or use sslmode=verify-full',
    );
  }
  return { mode, ca, cert, key, serverName, direct };
}

function modeOf(pool: string, parameters: ReadonlyMap<string, string>): TlsMode | undefined {
  const mode = parameters.get('sslmode');
  const known = MODES.find((each) => each === mode);
  if (known === undefined && mode !== undefined) {
    const why = mode === 'allow' || mode === 'prefer' ? 'it would go on without TLS; ' : '';
    throw new LoginSettingError(pool, 'url', `sslmode=${mode}`, `${why}use one of ${MODES.join(', ')}`);
  }
  const ssl = parameters.get('ssl');
  const says = ssl === undefined ? undefined : ssl === 'false' || ssl === '0';
  if (known !== undefined && says !== undefined && says !== (known === 'disable')) {
    throw new LoginSettingError(
      pool,
      'url',
      `ssl=${ssl}`,
      `sslmode=${known} says something else; leave one of the two out`,
    );
  }
  if (known === 'require' && parameters.get('uselibpqcompat') === 'true') {
    return parameters.has('sslrootcert') ? 'verify-ca' : 'no-verify';
  }
  if (known !== undefined) return known;
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

/** An option wins over its parameter. @throws LoginSettingError for the text of a file, which may be a private key. */
function fileFor(
  pool: string,
  option: string | undefined,
  field: string,
  parameters: ReadonlyMap<string, string>,
  parameter: string,
): NamedFile | undefined {
  if (option !== undefined) {
    if (isPemText(option)) throw new LoginSettingError(pool, field, undefined, PEM_TEXT_REMEDY);
    return { field, shown: option, path: option };
  }
  const path = parameters.get(parameter);
  // The word with which a url asks for the authorities of the system, which are the default here.
  if (path === undefined || path === '' || (parameter === 'sslrootcert' && path === 'system')) return undefined;
  if (isPemText(path)) throw new LoginSettingError(pool, 'url', `${parameter}=(hidden)`, PEM_TEXT_REMEDY);
  return { field: 'url', shown: `${parameter}=${path}`, path };
}
