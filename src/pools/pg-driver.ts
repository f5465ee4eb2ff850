import pg from 'pg';
import type { Clock } from '../clock.js';
import type { FailureKind } from './contract.js';
import { presetOption, streamOf } from './pg-client.js';
import { classifyPgError, isPgOutage, pgConnectTrouble, sqlStateOf } from './pg-errors.js';
import { PgSession, type PgSessionContext } from './pg-session.js';
import type { ConnectTrouble, Opening, SessionDriver, SessionOwner } from './session.js';
import { StatementNatures } from './session-trace.js';
import { timeLimit } from './time-limit.js';

/** Until the first keepalive packet on a quiet socket; the kernel's own default is two hours. */
const KEEPALIVE_DELAY_MS = 1_000;

/**
 * A server that works on a statement sees only at its end that its client is gone, unless it is told to look in
 * between (PostgreSQL 14). Without that, a process that dies leaves its statements and their locks behind.
 */
const CLIENT_CHECK = 'client_connection_check_interval';
const CLIENT_CHECK_MS = 500;

/** What {@link PgDriver} needs to know. */
export interface PgDriverOptions {
  readonly name: string;
  readonly url: string;
  readonly applicationName: string;
  readonly connectTimeoutMs: number;
  readonly lockTimeoutMs: number;
  readonly clock: Clock;
}

/** Opens PostgreSQL sessions through the `pg` client, without its pool. */
export class PgDriver implements SessionDriver {
  readonly #options: PgDriverOptions;
  readonly #natures = new StatementNatures();
  readonly #nextId: () => number;
  /** Whether the server is asked to look for its client while it works. */
  #checksClient = true;

  /**
   * @param nextId - Numbers the sessions.
   * @throws Error when `url` cannot be read; the text does not repeat it.
   */
  constructor(options: PgDriverOptions, nextId: () => number) {
    this.#options = options;
    this.#nextId = nextId;
    try {
      this.#client();
    } catch {
      throw new Error(
        `url of pool "${options.name}" is not a connection URL: use postgres://user:password@host:5432/database`,
      );
    }
  }

  open(owner: SessionOwner): Opening {
    let attempt = this.#attempt(owner, this.#checksClient, (error) => {
      if (!this.#checksClient || !refusesClientCheck(error)) {
        owner.onOpenFailed(error);
        return;
      }
      // It stays without for good: a pooler in between, or a server that does not know the setting.
      this.#checksClient = false;
      attempt = this.#attempt(owner, false, (next) => owner.onOpenFailed(next));
    });
    return { abort: () => attempt.abort() };
  }

  #attempt(owner: SessionOwner, checksClient: boolean, onFailed: (error: unknown) => void): Opening {
    const { clock, connectTimeoutMs } = this.#options;
    const client = this.#client();
    if (checksClient) presetOption(client, CLIENT_CHECK, CLIENT_CHECK_MS);
    const context: PgSessionContext = { clock, owner, natures: this.#natures };
    let session: PgSession | undefined;
    let failure: unknown;
    const giveUp = (error: unknown): void => {
      if (session !== undefined) return;
      failure ??= error;
      streamOf(client).destroy();
    };
    const limit = timeLimit(clock, connectTimeoutMs, () => {
      giveUp(new ConnectTimeoutError(connectTimeoutMs));
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
        session = new PgSession(this.#nextId(), client, context);
        owner.onOpen(session);
      }
    });
    connection.on('readyForQuery', () => session?.wire.onReady());
    return { abort: () => giveUp(new Error('the attempt to connect was given up')) };
  }

  classify(error: unknown): FailureKind {
    return error instanceof ConnectTimeoutError ? 'connection_lost' : classifyPgError(error);
  }

  connectTrouble(error: unknown): ConnectTrouble {
    return error instanceof ConnectTimeoutError ? 'silent' : pgConnectTrouble(error);
  }

  isOutage(error: unknown): boolean {
    return isPgOutage(error);
  }

  #client(): pg.Client {
    const { url, applicationName, lockTimeoutMs } = this.#options;
    return new pg.Client({
      connectionString: url,
      application_name: applicationName,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEPALIVE_DELAY_MS,
      ...(lockTimeoutMs > 0 ? { lock_timeout: Math.ceil(lockTimeoutMs) } : {}),
    });
  }
}

/** The server did not finish the handshake in time. */
class ConnectTimeoutError extends Error {
  override readonly name = 'ConnectTimeoutError';
  constructor(connectTimeoutMs: number) {
    super(`the database did not accept a connection within ${connectTimeoutMs} ms (connectTimeoutMs)`);
  }
}

/** Poolers refuse settings at the start (08P01), old servers do not know this one (42704), some systems cannot (22023). */
function refusesClientCheck(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state !== '08P01' && state !== '42704' && state !== '22023') return false;
  return error instanceof Error && /startup parameter|client_connection_check_interval/.test(error.message);
}
