import type { TLSSocket } from 'node:tls';
import type pg from 'pg';
import type { Clock } from '../clock.js';
import { CertificateWatch } from './certificate-watch.js';
import { ConnectTimeoutError } from './connect-timeout.js';
import type { FailureKind } from './contract.js';
import type { LoginChange } from './login.js';
import { PasswordError, passwordAsker } from './password.js';
import { presetOption, setPassword, streamOf } from './pg-client.js';
import { classifyPgError, isPgOutage, pgConnectTrouble, sqlStateOf } from './pg-errors.js';
import { PgSession, type PgSessionContext } from './pg-session.js';
import { PgTarget, type PgTargetSettings } from './pg-target.js';
import type { ConnectTrouble, Opening, SessionDriver, SessionOwner } from './session.js';
import { StatementNatures } from './session-trace.js';
import { timeLimit } from './time-limit.js';
import type { PreparedLogin } from './trial.js';

/** Until the first keepalive packet on a quiet socket; the kernel's own default is two hours. */
const KEEPALIVE_DELAY_MS = 1_000;

/**
 * A server that works on a statement sees only at its end that its client is gone, unless it is told to look in
 * between (PostgreSQL 14). Without that, a process that dies leaves its statements and their locks behind. Where the
 * network dies with it there is nothing to see, and only a missing answer tells. Without the others the server would wait
 * for that for hours, and keep the places of these sessions taken; with them for about ten seconds, as this side does.
 */
const PRESETS = {
  client_connection_check_interval: 500,
  tcp_keepalives_idle: KEEPALIVE_DELAY_MS / 1_000,
  tcp_keepalives_interval: 1,
  tcp_keepalives_count: 9,
  tcp_user_timeout: 10_000,
} as const;

const STUCK =
  'the server goes on with a statement although it was told to stop; the place of that connection stays taken until ' +
  'it is gone, for 10 s at most. Look for the session in pg_stat_activity';

/** What {@link PgDriver} needs to know. */
export interface PgDriverOptions extends PgTargetSettings {
  readonly name: string;
  readonly applicationName: string;
  readonly connectTimeoutMs: number;
  readonly lockTimeoutMs: number;
  /** Bytes of the answer to one statement; 0 or absent for no bound. */
  readonly maxResultBytes?: number;
  /**
   * What stands at the other end hands its sessions on after every transaction, as a pooler in transaction mode does.
   * Then nothing is asked for at the start and nothing is set for a session: every transaction, also that of a single
   * statement, sets its limits itself. Statements that may change their session have none then. Default false.
   */
  readonly sharesSessions?: boolean;
  readonly clock: Clock;
  /** Something to log, with a stable code. */
  readonly warn: (code: string, message: string) => void;
}

/** Opens PostgreSQL sessions through the `pg` client, without its pool. */
export class PgDriver implements SessionDriver {
  readonly #options: PgDriverOptions;
  readonly #natures = new StatementNatures();
  readonly #nextId: () => number;
  readonly #certificates: CertificateWatch;
  #target: PgTarget;
  /** Whether the server is asked to look for its client while it works. */
  #checksClient: boolean;

  /**
   * @param nextId - Numbers the sessions.
   * @throws LoginSettingError when the url or a file of TLS cannot be used; the url is not repeated.
   */
  constructor(options: PgDriverOptions, nextId: () => number) {
    this.#options = options;
    this.#nextId = nextId;
    this.#checksClient = options.sharesSessions !== true;
    this.#certificates = new CertificateWatch(options.warn);
    this.#target = new PgTarget(options.name, options);
  }

  open(owner: SessionOwner): Opening {
    return this.#open(this.#target, owner);
  }

  prepare(change: LoginChange): PreparedLogin {
    const target = this.#target.changed(change);
    return {
      open: (owner) => this.#open(target, owner),
      adopt: () => {
        this.#target = target;
      },
    };
  }

  #open(target: PgTarget, owner: SessionOwner): Opening {
    let attempt = this.#attempt(target, owner, this.#checksClient, (error) => {
      if (!this.#checksClient || !refusesClientCheck(error)) {
        owner.onOpenFailed(error);
        return;
      }
      // It stays without for good: a pooler in between, or a server that does not know the setting.
      this.#checksClient = false;
      attempt = this.#attempt(target, owner, false, (next) => owner.onOpenFailed(next));
    });
    return { abort: () => attempt.abort() };
  }

  #attempt(target: PgTarget, owner: SessionOwner, checksClient: boolean, onFailed: (error: unknown) => void): Opening {
    const { name, clock, connectTimeoutMs, sharesSessions, lockTimeoutMs, maxResultBytes = 0 } = this.#options;
    const client = this.#client(target);
    const asker = target.password && passwordAsker(name, target.password);
    if (asker !== undefined) setPassword(client, asker.ask);
    if (checksClient) for (const [name, value] of Object.entries(PRESETS)) presetOption(client, name, value);
    const context: PgSessionContext = {
      clock,
      owner,
      natures: this.#natures,
      resultBound: maxResultBytes > 0 ? { pool: name, maxBytes: maxResultBytes } : undefined,
      onStuck: () => this.#options.warn('database_session_stuck', STUCK),
      sharedLockMs: sharesSessions === true ? lockTimeoutMs : undefined,
    };
    let session: PgSession | undefined;
    let failure: unknown;
    const giveUp = (error: unknown): void => {
      if (session !== undefined) return;
      failure ??= error;
      streamOf(client).destroy();
    };
    const limit = timeLimit(clock, connectTimeoutMs, () => {
      giveUp(asker?.asking === true ? asker.late(connectTimeoutMs) : new ConnectTimeoutError(connectTimeoutMs));
    });
    // These listeners stay until the end: a dying client reports more than once, and unheard it ends the process.
    client.on('error', (error) => (session === undefined ? giveUp(error) : session.onError(error)));
    client.on('end', () => {
      limit.cancel();
      if (session === undefined) onFailed(failure ?? new Error('Connection terminated unexpectedly'));
      else session.onEnd();
    });
    const { connection } = client;
    connection.on('readyForQuery', (message: { readonly status: string }) => session?.wire.onStatus(message.status));
    client.connect((error: Error | null) => {
      limit.cancel();
      if (error !== null && error !== undefined) giveUp(error);
      else if (failure === undefined) {
        const opened = new PgSession(this.#nextId(), client, context);
        session = opened;
        // Before the driver's own listener, which keeps what it reads.
        streamOf(client).prependListener('data', (chunk: Buffer) => opened.onReceived(chunk.length));
        this.#lookAtCertificates(target, client);
        owner.onOpen(opened);
      }
    });
    connection.on('readyForQuery', () => session?.wire.onReady());
    return { abort: () => giveUp(new Error('the attempt to connect was given up')) };
  }

  classify(error: unknown): FailureKind {
    return error instanceof ConnectTimeoutError ? 'connection_lost' : classifyPgError(error);
  }

  connectTrouble(error: unknown): ConnectTrouble {
    if (error instanceof PasswordError) return 'password_source';
    return error instanceof ConnectTimeoutError ? 'silent' : pgConnectTrouble(error);
  }

  isOutage(error: unknown): boolean {
    return isPgOutage(error);
  }

  #lookAtCertificates(target: PgTarget, client: pg.Client): void {
    const stream = streamOf(client) as Partial<TLSSocket>;
    // Certificates end by the calendar, so here the date counts and not the clock of the engine.
    const dateMs = Date.now();
    const server = stream.getPeerCertificate?.().valid_to;
    if (server !== undefined) this.#certificates.seen(dateMs, 'server', Date.parse(server));
    if (target.clientUntilMs !== undefined) this.#certificates.seen(dateMs, 'client', target.clientUntilMs);
  }

  #client(target: PgTarget): pg.Client {
    const { applicationName, lockTimeoutMs, sharesSessions } = this.#options;
    return target.client({
      application_name: applicationName,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEPALIVE_DELAY_MS,
      ...(lockTimeoutMs > 0 && sharesSessions !== true ? { lock_timeout: Math.ceil(lockTimeoutMs) } : {}),
    });
  }
}

/** Poolers refuse settings at the start (08P01), old servers do not know this one (42704), some systems cannot (22023). */
function refusesClientCheck(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state !== '08P01' && state !== '42704' && state !== '22023') return false;
  return error instanceof Error && /startup parameter|client_connection_check_interval/.test(error.message);
}
