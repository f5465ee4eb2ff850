import type { TLSSocket } from 'node:tls';
import type pg from 'pg';
import type { Clock } from '../clock.js';
import { sendCancelRequest } from './cancel-request.js';
import { CertificateWatch } from './certificate-watch.js';
import { ConnectTimeoutError } from './connect-timeout.js';
import type { FailureKind } from './contract.js';
import { CERTAINTY_LIMIT_MS } from './engine-session.js';
import type { LoginChange } from './login.js';
import { PasswordError, passwordAsker } from './password.js';
import { cancelTargetOf, presetOption, setPassword, streamOf } from './pg-client.js';
import { classifyPgError, isPgOutage, pgConnectTrouble, sqlStateOf } from './pg-errors.js';
import { PgSession } from './pg-session.js';
import { PgTarget, type PgTargetSettings } from './pg-target.js';
import { PgWire } from './pg-wire.js';
import { refusesStartupParameter } from './pooler-errors.js';
import { type PoolerSetting, PoolerWatch } from './pooler-watch.js';
import type { ConnectTrouble, Opening, SessionDriver, SessionOwner } from './session.js';
import { StatementNatures } from './session-trace.js';
import { StatementLine } from './statement-line.js';
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
   * A pooler in transaction mode hands its sessions on after every transaction. Where one stands in between nothing is
   * asked for at the start and nothing is set for a session: every transaction, also that of a single statement, sets
   * its limits itself. Statements that may change their session have none then. Default `none`.
   */
  readonly pooler?: PoolerSetting;
  readonly clock: Clock;
  /** Something to log, with a stable code. */
  readonly warn: (code: string, message: string) => void;
}

/** Where sessions are opened, and what is known of it. */
interface Way {
  readonly target: PgTarget;
  readonly pooler: PoolerWatch;
}

/** Opens PostgreSQL sessions through the `pg` client, without its pool. */
export class PgDriver implements SessionDriver {
  readonly #options: PgDriverOptions;
  readonly #natures = new StatementNatures();
  readonly #nextId: () => number;
  readonly #certificates: CertificateWatch;
  #way: Way;
  /** Whether the server is asked to look for its client while it works. */
  #checksClient = true;

  /**
   * @param nextId - Numbers the sessions.
   * @throws LoginSettingError when the url or a file of TLS cannot be used; the url is not repeated.
   */
  constructor(options: PgDriverOptions, nextId: () => number) {
    this.#options = options;
    this.#nextId = nextId;
    this.#certificates = new CertificateWatch(options.warn);
    this.#way = { target: new PgTarget(options.name, options), pooler: new PoolerWatch(options.pooler ?? 'none') };
  }

  get shared(): boolean {
    return this.#way.pooler.shares === true;
  }

  open(owner: SessionOwner): Opening {
    return this.#open(this.#way, owner);
  }

  prepare(change: LoginChange): PreparedLogin {
    const target = this.#way.target.changed(change);
    const pooler = change.url === undefined ? this.#way.pooler : new PoolerWatch(this.#options.pooler ?? 'none');
    const way: Way = { target, pooler };
    return {
      open: (owner) => this.#open(way, owner),
      adopt: () => {
        this.#way = way;
      },
    };
  }

  #open(way: Way, owner: SessionOwner): Opening {
    let attempt = this.#attempt(way, owner, (error) => {
      if (!this.#mayDoWithout(way, error)) {
        owner.onOpenFailed(error);
        return;
      }
      attempt = this.#attempt(way, owner, (next) => owner.onOpenFailed(next));
    });
    return {
      abort: () => attempt.abort(),
      get reached() {
        return attempt.reached === true;
      },
    };
  }

  /** Whether what was asked for at the start was refused, and is not asked for any more. */
  #mayDoWithout({ pooler }: Way, error: unknown): boolean {
    if (refusesStartupParameter(error) && pooler.shares !== true && pooler.refusedSettings()) return true;
    if (!this.#checksClient || !refusesClientCheck(error)) return false;
    // It stays without for good: a pooler that nobody told of, or a server that does not know the setting.
    this.#checksClient = false;
    return true;
  }

  #attempt(way: Way, owner: SessionOwner, onFailed: (error: unknown) => void): Opening {
    const { target, pooler } = way;
    const { name, clock, connectTimeoutMs } = this.#options;
    const client = this.#client(way);
    const asker = target.password && passwordAsker(name, target.password);
    if (asker !== undefined) setPassword(client, asker.ask);
    if (this.#checksClient && pooler.shares !== true)
      for (const [name, value] of Object.entries(PRESETS)) presetOption(client, name, value);
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
    client.on('error', (error) => (session === undefined ? giveUp(error) : session.ending.lose(error)));
    client.on('end', () => {
      limit.cancel();
      if (session === undefined) onFailed(failure ?? new Error('Connection terminated unexpectedly'));
      else session.ending.onClosed(new Error('Connection terminated unexpectedly'));
    });
    const { connection } = client;
    connection.on('readyForQuery', (message: { readonly status: string }) => session?.wire.onStatus(message.status));
    const opened = (): void => {
      limit.cancel();
      if (failure !== undefined) return;
      const made = this.#session(way, client, owner);
      session = made;
      // Before the driver's own listener, which keeps what it reads.
      streamOf(client).prependListener('data', (chunk: Buffer) => made.ending.onReceived(chunk.length));
      this.#lookAtCertificates(target, client);
      owner.onOpen(made);
    };
    client.connect((error: Error | null) => {
      if (error === null || error === undefined) {
        if (failure === undefined)
          pooler.look(client, (refusal) => (refusal === undefined ? opened() : giveUp(refusal)));
        return;
      }
      limit.cancel();
      giveUp(error);
    });
    connection.on('readyForQuery', () => session?.wire.onReady());
    return {
      abort: () => giveUp(new Error('the attempt to connect was given up')),
      get reached() {
        return !streamOf(client).connecting;
      },
    };
  }

  #session({ pooler }: Way, client: pg.Client, owner: SessionOwner): PgSession {
    const { name, clock, lockTimeoutMs, maxResultBytes = 0, warn } = this.#options;
    const wire = new PgWire(client, (error) => session.ending.lose(error));
    const session = new PgSession(this.#nextId(), {
      wire,
      line: new StatementLine(wire),
      nothing: '',
      clock,
      owner,
      natures: this.#natures,
      resultBound: maxResultBytes > 0 ? { pool: name, maxBytes: maxResultBytes } : undefined,
      sharedLockMs: pooler.shares === true ? lockTimeoutMs : undefined,
      onStuck: () => warn('database_session_stuck', STUCK),
      link: {
        end: () => client.connection.end(),
        hangUp: () => streamOf(client).destroy(),
        tellToStop: () => sendCancelRequest(cancelTargetOf(client), clock, CERTAINTY_LIMIT_MS),
      },
    });
    return session;
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

  #client({ target, pooler }: Way): pg.Client {
    const { applicationName, lockTimeoutMs } = this.#options;
    return target.client({
      application_name: applicationName,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEPALIVE_DELAY_MS,
      ...(lockTimeoutMs > 0 && pooler.shares !== true ? { lock_timeout: Math.ceil(lockTimeoutMs) } : {}),
    });
  }
}

/** Poolers refuse settings at the start (08P01), old servers do not know this one (42704), some systems cannot (22023). */
function refusesClientCheck(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state !== '08P01' && state !== '42704' && state !== '22023') return false;
  return error instanceof Error && /startup parameter|client_connection_check_interval/.test(error.message);
}
