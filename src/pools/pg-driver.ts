import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type pg from 'pg';
import { sendCancelRequest } from './cancel-request.js';
import { ClientCheck } from './client-check.js';
import { ConnectAttempt } from './connect-attempt.js';
import { EngineDriver, type EngineDriverOptions, type EngineErrors } from './engine-driver.js';
import { CERTAINTY_LIMIT_MS } from './engine-session.js';
import { KEEPALIVE_DELAY_MS } from './keepalive.js';
import type { LoginChange } from './login.js';
import { cancelTargetOf, setPassword, streamOf } from './pg-client.js';
import { classifyPgError, explainedPgRefusal, isPgOutage, pgConnectTrouble } from './pg-errors.js';
import { pgNature } from './pg-natures.js';
import { PgSession } from './pg-session.js';
import { PgTarget, type PgTargetSettings } from './pg-target.js';
import { PgWire } from './pg-wire.js';
import { refusesStartupParameter, refusesTransactions } from './pooler-errors.js';
import { type PoolerSetting, PoolerWatch } from './pooler-watch.js';
import { readServerLimits, type ServerLimits } from './server-limits.js';
import type { Opening, Session, SessionOwner } from './session.js';
import { StatementLine } from './statement-line.js';

const STUCK =
  'the server goes on with a statement although it was told to stop; the place of that connection stays taken until ' +
  'it is gone, for some 10 s at most. Look for the session in pg_stat_activity';

const STUCK_AT_POOLER =
  'a statement went on through the pooler although it was told to stop; the place of that connection stays taken until ' +
  'it is gone, for some 10 s at most. See SHOW DATABASES and SHOW POOLS in the console of the pooler: RESUME what is ' +
  'paused; where clients wait (cl_waiting), all its connections are taken, or its server is silent; else look for the ' +
  'statement in pg_stat_activity';

const DENIED =
  'its url leads through a pooler, though its configuration says that there is none (pooler "none"): in transaction mode ' +
  "what is set on a session, limits among it, would fall to other clients' statements; set pooler to auto";

const STATEMENT_MODE =
  'its pooler is in statement mode, where no transaction can be opened, and ends every session that tries; ' +
  'set pool_mode = transaction in the pooler, for this database or for all';

/** What {@link PgDriver} needs to know. */
export interface PgDriverOptions extends PgTargetSettings, EngineDriverOptions {
  /**
   * A pooler in transaction mode hands its sessions on after every transaction. Where one stands in between nothing is
   * asked for at the start and nothing is set for a session: every transaction, also that of a single statement, sets
   * its limits itself. Statements that may change their session have none then. Default `none`.
   */
  readonly pooler?: PoolerSetting;
}

const ERRORS: EngineErrors = { classify: classifyPgError, connectTrouble: pgConnectTrouble, isOutage: isPgOutage };

/** Where sessions are opened, and what is known of it. */
interface Way {
  readonly target: PgTarget;
  readonly pooler: PoolerWatch;
}

/** Opens PostgreSQL sessions through the `pg` client, without its pool. */
export class PgDriver extends EngineDriver<Way> {
  readonly #options: PgDriverOptions;
  readonly #clientCheck = new ClientCheck();

  /**
   * @param nextId - Numbers the sessions.
   * @throws LoginSettingError when the url or a file of TLS cannot be used; the url is not repeated.
   */
  constructor(options: PgDriverOptions, nextId: () => number) {
    const way = { target: new PgTarget(options.name, options), pooler: new PoolerWatch(options.pooler ?? 'none') };
    super(options, nextId, way, { errors: ERRORS, natureOf: pgNature });
    this.#options = options;
  }

  get shared(): boolean {
    return this.way.pooler.shares === true;
  }

  get lingers(): boolean {
    return !this.shared;
  }

  protected changed({ target, pooler }: Way, change: LoginChange): Way {
    return {
      target: target.changed(change),
      pooler: change.url === undefined ? pooler : new PoolerWatch(this.#options.pooler ?? 'none'),
    };
  }

  protected placeOf({ target }: Way): string {
    return target.place;
  }

  protected async limitsOf({ pooler }: Way, session: Session): Promise<ServerLimits | undefined> {
    return pooler.shares === true ? undefined : await readServerLimits(session);
  }

  protected enter(way: Way, owner: SessionOwner): Opening {
    const fail = (error: unknown): void => owner.onOpenFailed(explainedPgRefusal(error, way.pooler.denied));
    let opening = this.#attempt(way, owner, (error) => {
      if (this.#mayDoWithout(way, error)) opening = this.#attempt(way, owner, fail);
      else fail(error);
    });
    return {
      abort: () => opening.abort(),
      get reached() {
        return opening.reached === true;
      },
      get stage() {
        return opening.stage ?? 'server';
      },
    };
  }

  /** Whether what was asked for at the start was refused, and is not asked for any more. */
  #mayDoWithout({ pooler }: Way, error: unknown): boolean {
    if (refusesStartupParameter(error) && pooler.shares !== true && pooler.refusedSettings()) return true;
    // A pooler that nobody told of, or a server that does not know the setting.
    return this.#clientCheck.refusedBy(error);
  }

  #attempt(way: Way, owner: SessionOwner, onFailed: (error: unknown) => void): Opening {
    const { target, pooler } = way;
    const { name: pool, clock, connectTimeoutMs: timeoutMs } = this.#options;
    const { password } = target;
    const client = this.#client(way);
    const hangUp = (): void => void streamOf(client).destroy();
    const attempt = new ConnectAttempt<PgSession>({ pool, clock, timeoutMs, password, owner, onFailed, hangUp });
    if (attempt.asker !== undefined) setPassword(client, attempt.asker.ask);
    // These listeners stay until the end: a dying client reports more than once, and unheard it ends the process.
    client.on('error', (error) => attempt.onError(error));
    client.on('end', () => attempt.onClosed(new Error('Connection terminated unexpectedly')));
    const { connection } = client;
    connection.on('readyForQuery', ({ status }: { status: string }) =>
      attempt.session?.wire.onStatus(clock.nowMs(), status),
    );
    const admit = (): void => {
      if (attempt.failed) return;
      const session = this.#session(way, client, owner);
      // Before the driver's own listener, which keeps what it reads.
      streamOf(client).prependListener('data', (chunk: Buffer) => session.ending.onReceived(chunk.length));
      this.certificates.opened(serverUntilMs(client), target.clientUntilMs);
      attempt.open(session);
    };
    client.connect((error: Error | null) => {
      if (error !== null && error !== undefined) attempt.giveUp(error);
      else if (!attempt.failed)
        pooler.look(client, (refusal) => (refusal === undefined ? admit() : attempt.giveUp(refusal)));
    });
    connection.on('readyForQuery', () => attempt.session?.wire.onReady());
    return {
      abort: () => attempt.abort(),
      get reached() {
        return !streamOf(client).connecting;
      },
      get stage() {
        return attempt.stage(streamOf(client).connecting === true);
      },
    };
  }

  #session({ target, pooler }: Way, client: pg.Client, owner: SessionOwner): PgSession {
    const { clock, lockTimeoutMs, warn } = this.#options;
    const wire = new PgWire(client, (error) => {
      if (refusesTransactions(error) && pooler.firstRefusal()) warn('pooler_statement_mode', STATEMENT_MODE);
      session.ending.lose(error);
    });
    if (pooler.contradicts(client)) warn('pooler_denied', DENIED);
    const session = new PgSession(this.nextId(), {
      ...this.common(owner),
      wire,
      line: new StatementLine(wire),
      nothing: '',
      sharedLockMs: pooler.shares === true ? lockTimeoutMs : undefined,
      startLimitMs: target.statementLimitMs,
      onStuck: () => {
        if (pooler.shares === true) warn('pooler_session_stuck', STUCK_AT_POOLER);
        else warn('database_session_stuck', STUCK);
      },
      link: {
        end: () => client.connection.end(),
        hangUp: () => streamOf(client).destroy(),
        tellToStop: () => sendCancelRequest(cancelTargetOf(client), clock, CERTAINTY_LIMIT_MS),
      },
    });
    return session;
  }

  #client({ target, pooler }: Way): pg.Client {
    const { applicationName, lockTimeoutMs } = this.#options;
    const own = pooler.shares !== true;
    const client = target.client({
      application_name: applicationName,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEPALIVE_DELAY_MS,
      ...(own && lockTimeoutMs > 0 ? { lock_timeout: Math.ceil(lockTimeoutMs) } : {}),
    });
    if (own) this.#clientCheck.askFor(client);
    return client;
  }
}

/** When the certificate of the server ends, in milliseconds since 1970; `undefined` without TLS. */
function serverUntilMs(client: pg.Client): number | undefined {
  const stream = streamOf(client) as Socket & Partial<Pick<TLSSocket, 'getPeerCertificate'>>;
  const until = stream.getPeerCertificate?.().valid_to;
  return until === undefined ? undefined : Date.parse(until);
}
