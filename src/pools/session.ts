import type { Connection, FailureKind } from './contract.js';
import type { LoginChange } from './login.js';
import type { PreparedLogin } from './trial.js';

/** What went wrong with a connection attempt. */
export type ConnectTrouble =
  /** Nobody answers. */
  | 'unreachable'
  /** The server answers that it takes no new session at present: it is starting up or shutting down. */
  | 'not_accepting'
  /** The handshake was not over in time. */
  | 'silent'
  /** Nobody knows where the server is: its name has no address at present. */
  | 'unresolved'
  /** The server answers and does not accept these credentials. */
  | 'credentials'
  /** The server answers, and TLS as it was asked for cannot be had with it. */
  | 'tls'
  /** The server takes no connection without TLS, and none was asked for. */
  | 'tls_required'
  /** The server is too old, or wants something of its client that the driver lacks. */
  | 'unsupported'
  /** The application's own function gave no password. */
  | 'password_source'
  /** The server accepts the credentials and does not let this user in to this database. */
  | 'rights'
  /** The user has used up what the server lets it do in an hour. */
  | 'quota_spent'
  /** The server answers and has no such database. */
  | 'unknown_database'
  /** A pooler that was told to let nobody into the database. */
  | 'disabled_database'
  /** The server, the role or this host has no connection left to give. */
  | 'crowded';

/**
 * One server session as its pool sees it: what {@link Connection} offers a borrower, plus the care between borrowers.
 * Implemented once per engine.
 */
export interface Session extends Omit<Connection, 'release' | 'destroy'> {
  /**
   * Makes the session clean: refuses what is queued, stops what runs, rolls back, forgets session state. Resolves to
   * whether it is fit for the next borrower; if not, it was destroyed. Bounded in time, never rejects.
   */
  restore(): Promise<boolean>;
  /** One empty round trip. Resolves to whether it came back within `limitMs`; if not, the session was destroyed. */
  validate(limitMs: number): Promise<boolean>;
  /** Ends a session that is clean. As with {@link destroy}, its place is free once the server has hung up. */
  retire(): void;
  /**
   * Ends the session at once: a running statement rejects and is cancelled on the server. A second call no longer waits
   * for the server to hang up.
   */
  destroy(): void;
  /** Nobody needs its place any more: once it has ended, a server that does not stop its statement is soon hung up on. */
  hurry(): void;
}

/** What a session and its opening tell their pool. */
export interface SessionOwner {
  onOpen(session: Session): void;
  /** The attempt failed and its socket is closed. */
  onOpenFailed(error: unknown): void;
  /** The session ended although nobody asked. `onClosed` follows. */
  onLost(session: Session, error: unknown): void;
  /** It did not answer in time when it was to be stopped or cleaned, and was destroyed. */
  onSilent(session: Session): void;
  /** The server took no write of this session, and not because its borrower had asked for that. */
  onReadOnly(): void;
  /** The socket is closed, and the server was told to stop what still ran: the place is free. */
  onClosed(session: Session): void;
  onCancelSent(): void;
}

/** What an attempt waits for: the application's own password function, somebody to take the connection, or the server. */
export type OpeningStage = 'password' | 'network' | 'server';

/** A connection attempt under way. */
export interface Opening {
  /** Gives the attempt up; `onOpenFailed` follows once its socket is closed. */
  abort(): void;
  /** Whether somebody has taken the connection, so that only the handshake is left. Absent: not known. */
  readonly reached?: boolean;
  /** What it waits for at present. Absent: not known. */
  readonly stage?: OpeningStage;
}

/** The engine-specific part of a pool. */
export interface SessionDriver {
  /** A pooler hands sessions on between transactions. Absent where no engine of this kind has one. */
  readonly shared?: boolean;
  /** A server that ends may wait for its sessions, and tell none of them. Absent where it ends them. */
  readonly lingers?: boolean;
  open(owner: SessionOwner): Opening;
  /**
   * A way in with these changes, to be tried before it is adopted.
   *
   * @throws LoginSettingError when it cannot be used at all.
   */
  prepare(change: LoginChange): PreparedLogin;
  classify(error: unknown): FailureKind;
  connectTrouble(error: unknown): ConnectTrouble;
  /** Whether the loss of a session with this error puts the others in doubt. */
  isOutage(error: unknown): boolean;
}
