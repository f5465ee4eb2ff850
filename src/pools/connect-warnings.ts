import { errnoOf } from './mysql-errors.js';
import type { ConnectTrouble } from './session.js';

/** The code of the warning that only a grant on the server can help. */
export const RIGHTS_MISSING = 'database_rights_missing';

const CODES: Readonly<Record<ConnectTrouble, string>> = {
  unreachable: 'database_unreachable',
  silent: 'database_unreachable',
  unresolved: 'database_name_unresolved',
  not_accepting: 'database_unreachable',
  credentials: 'database_credentials_refused',
  tls: 'database_tls_failed',
  tls_required: 'database_tls_required',
  unsupported: 'database_unsupported',
  password_source: 'database_password_unavailable',
  rights: RIGHTS_MISSING,
  quota_spent: 'database_quota_spent',
  unknown_database: 'database_unknown',
  disabled_database: 'pooler_database_disabled',
  crowded: 'database_connections_exhausted',
};

const TEXTS: Readonly<Record<ConnectTrouble, string>> = {
  unreachable: 'the server cannot be reached',
  silent: 'the server does not answer a connect in time',
  unresolved: 'the name of the server leads to no address at present',
  not_accepting: 'the server is starting or stopping and takes no connection',
  credentials:
    'the server refuses the user or the password of the url, or there is none; correct them there or on the server',
  tls: 'no connection over TLS can be made as it is asked for, and none without is tried; mend the certificate or its authority (tlsCa), or ask for no TLS in the url (sslmode=disable; for MySQL, ssl-mode=DISABLED)',
  tls_required:
    'the server takes no such connection without TLS; ask for it (tls: true; or in the url sslmode=verify-full, for MySQL ssl-mode=VERIFY_IDENTITY), or, where it has none, let pg_hba.conf of the server take this user from here',
  unsupported: 'the server cannot be used as it is',
  password_source: 'there is no password to connect with',
  rights: 'the user of the url may not connect to this database; grant it CONNECT on the database, or correct the url',
  quota_spent:
    'the user of the url has used up what the server lets it do in an hour; raise its MAX_QUERIES_PER_HOUR or MAX_UPDATES_PER_HOUR on the server, or take those limits away',
  unknown_database: 'the server has no such database; create it, or correct the url',
  disabled_database:
    'the pooler lets no new connection into this database, which somebody has disabled; connections that are open go on. Let it in again with ENABLE and the name of the database, in the console of the pooler',
  crowded: 'no further connection can be opened; lower max, or raise what the server, the role or this host allows',
};

/** What a pool does about trouble that may end by itself. */
const MEANWHILE: Partial<Record<ConnectTrouble, string>> = {
  unreachable: 'it is tried again until it answers',
  silent: 'it is tried again until it does',
  unresolved: 'connections that are open go on, and it is tried again until it does',
  not_accepting: 'it is tried again until it does',
};

/** What MySQL has another remedy for. It refuses also databases that are not there, unless their user may see all. */
const MYSQL_TEXTS: Partial<Record<ConnectTrouble, string>> = {
  rights:
    'the user of the url may not use this database, or there is none; grant it what it needs (GRANT ... ON <database>.* TO the user), create the database, or correct the url',
};

interface Warning {
  readonly code: string;
  readonly text: string;
}

const NO_DESCRIPTOR: Warning = {
  code: 'descriptors_exhausted',
  text: 'this process or host has no file descriptor left for a connection, so the pool stays as it is; raise "ulimit -n" (LimitNOFILE of a service), or let fewer clients in',
};

const NO_MEMORY: Warning = {
  code: 'memory_exhausted',
  text: 'this host has no memory for another connection, so the pool stays as it is; look at the memory of the host and of its sockets (net.ipv4.tcp_mem), or let fewer clients in',
};

/** What this host has run out of, by the code of the system: the server and its limits have no part in it. */
const HOST_WARNINGS: ReadonlyMap<unknown, Warning> = new Map([
  ['EMFILE', NO_DESCRIPTOR],
  ['ENFILE', NO_DESCRIPTOR],
  ['ENOMEM', NO_MEMORY],
  ['ENOBUFS', NO_MEMORY],
  [
    'EADDRNOTAVAIL',
    {
      code: 'ports_exhausted',
      text: 'this host has no free local port for a connection to the server, so the pool stays as it is; widen net.ipv4.ip_local_port_range, or look who else holds connections to it',
    },
  ],
]);

function warningOf(trouble: ConnectTrouble, error: unknown): Warning {
  const ofHost = error instanceof Error && 'code' in error ? HOST_WARNINGS.get(error.code) : undefined;
  const ofEngine = errnoOf(error) === undefined ? undefined : MYSQL_TEXTS[trouble];
  return ofHost ?? { code: CODES[trouble], text: ofEngine ?? TEXTS[trouble] };
}

/** Trouble that keeps a pool from every connection, and not only from another one. */
const keepsFromAll = (trouble: ConnectTrouble): boolean => trouble !== 'crowded';

/** Warns once about each kind of trouble with connecting, until {@link ConnectWarnings.clear}, which tells its end. */
export class ConnectWarnings {
  readonly #warn: (code: string, message: string) => void;
  readonly #given = new Map<string, ConnectTrouble>();

  constructor(warn: (code: string, message: string) => void) {
    this.#warn = warn;
  }

  give(trouble: ConnectTrouble, error: unknown): void {
    const { code } = warningOf(trouble, error);
    // Two kinds of trouble may share a code; each is told.
    const kind = `${trouble} ${code}`;
    if (this.#given.has(kind)) return;
    this.#given.set(kind, trouble);
    this.#warn(code, explainTrouble(trouble, error));
  }

  /** Each kind is told of again when it is met. */
  forget(): void {
    this.#given.clear();
  }

  /** The trouble is over, but for one kind of it: of that no more is told yet. */
  clear(but?: ConnectTrouble): void {
    let over = false;
    for (const [kind, trouble] of this.#given) {
      if (trouble === but) continue;
      this.#given.delete(kind);
      over ||= keepsFromAll(trouble);
    }
    if (over) this.#warn('database_reachable', 'connections to the server can be opened again');
  }
}

/** What kept a rotation from its one attempt, which nobody repeats. */
export function explainRefusal(trouble: ConnectTrouble, error: unknown): string {
  return explainTrouble(trouble, error, MEANWHILE[trouble] && 'rotate again once it does');
}

/** What is wrong with connecting, what would help or is done, and in brackets what the attempt met. */
export function explainTrouble(
  trouble: ConnectTrouble,
  error: unknown,
  then: string | undefined = MEANWHILE[trouble],
): string {
  const { text } = warningOf(trouble, error);
  return `${then === undefined ? text : `${text}; ${then}`} (${reasonOf(error)})`;
}

/** A host with several addresses fails with an error that has a code and no text. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== '') return error.message;
  return 'code' in error ? String(error.code) : error.name;
}
