import pg from 'pg';
import type { Clock } from '../clock.js';
import type { FailureKind } from './contract.js';
import { streamOf } from './pg-client.js';
import { classifyPgError, isPgOutage, pgConnectTrouble } from './pg-errors.js';
import { PgSession, type PgSessionContext } from './pg-session.js';
import type { ConnectTrouble, Opening, SessionDriver, SessionOwner } from './session.js';
import { StatementNatures } from './session-trace.js';
import { timeLimit } from './time-limit.js';

/** Until the first keepalive packet on a quiet socket; the kernel's own default is two hours. */
const KEEPALIVE_DELAY_MS = 1_000;

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
    const { clock, connectTimeoutMs } = this.#options;
    const client = this.#client();
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
      if (session === undefined) owner.onOpenFailed(failure ?? new Error('Connection terminated unexpectedly'));
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
    return pgConnectTrouble(error);
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
