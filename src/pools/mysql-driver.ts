import type { Clock } from '../clock.js';
import { TextMemo } from '../core/text-memo.js';
import { CertificateWatch } from './certificate-watch.js';
import { ConnectTimeoutError } from './connect-timeout.js';
import { ConnectionEndedError } from './connection-ended.js';
import type { FailureKind } from './contract.js';
import type { LoginChange } from './login.js';
import { MysqlClient } from './mysql-client.js';
import { classifyMysqlError, explainedRefusal, isMysqlOutage, mysqlConnectTrouble } from './mysql-errors.js';
import { MysqlKiller } from './mysql-killer.js';
import { loadMysql, type MysqlModule } from './mysql-module.js';
import { mysqlNature } from './mysql-natures.js';
import { MysqlRestorer } from './mysql-restorer.js';
import { MysqlSession } from './mysql-session.js';
import { type MysqlStart, setUp } from './mysql-setup.js';
import { MysqlTarget, type MysqlTargetSettings } from './mysql-target.js';
import { commandOf, MysqlWire, NOTHING } from './mysql-wire.js';
import { mysqlWords } from './mysql-words.js';
import { PasswordError, passwordAsker } from './password.js';
import type { ConnectTrouble, Opening, SessionDriver, SessionOwner } from './session.js';
import { StatementNatures } from './session-trace.js';
import { StatementLine } from './statement-line.js';
import { timeLimit } from './time-limit.js';
import type { PreparedLogin } from './trial.js';

/** For a connection that stops a statement; the session gives up at the same time. */
const KILL_LIMIT_MS = 1_000;

const HUNG_UP = 'the server closed the connection';

/** What {@link MysqlDriver} needs to know. */
export interface MysqlDriverOptions extends MysqlTargetSettings {
  readonly name: string;
  readonly applicationName: string;
  readonly connectTimeoutMs: number;
  readonly lockTimeoutMs: number;
  /** Bytes that the answer to one statement may have; 0 or absent sets no bound. */
  readonly maxResultBytes?: number;
  readonly clock: Clock;
  /** Something to log, with a stable code. */
  readonly warn: (code: string, message: string) => void;
}

/** Opens sessions of MySQL and MariaDB through `mysql2`, without its pool. */
export class MysqlDriver implements SessionDriver {
  readonly #options: MysqlDriverOptions;
  readonly #mysql: MysqlModule;
  readonly #nextId: () => number;
  readonly #commands = new TextMemo(commandOf);
  readonly #natures = new StatementNatures(mysqlNature);
  readonly #certificates: CertificateWatch;
  readonly #killer: MysqlKiller;
  #target: MysqlTarget;

  /**
   * @param nextId - Numbers the sessions.
   * @throws LoginSettingError when the url or a file of TLS cannot be used, or `mysql2` is not installed.
   */
  constructor(options: MysqlDriverOptions, nextId: () => number) {
    this.#options = options;
    this.#nextId = nextId;
    this.#mysql = loadMysql(options.name);
    this.#certificates = new CertificateWatch(options.warn);
    this.#killer = new MysqlKiller(this.#mysql, options.name, options.clock, KILL_LIMIT_MS);
    this.#target = new MysqlTarget(options.name, options);
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

  classify(error: unknown): FailureKind {
    return error instanceof ConnectTimeoutError ? 'connection_lost' : classifyMysqlError(error);
  }

  connectTrouble(error: unknown): ConnectTrouble {
    if (error instanceof PasswordError) return 'password_source';
    return error instanceof ConnectTimeoutError ? 'silent' : mysqlConnectTrouble(error);
  }

  isOutage(error: unknown): boolean {
    return isMysqlOutage(error);
  }

  #open(target: MysqlTarget, owner: SessionOwner): Opening {
    const { name, applicationName: programName, clock, connectTimeoutMs } = this.#options;
    const asker = target.password && passwordAsker(name, target.password);
    let client: MysqlClient | undefined;
    let session: MysqlSession | undefined;
    let failure: unknown;
    let over = false;
    const end = (): void => {
      if (over) return;
      over = true;
      limit.cancel();
      owner.onOpenFailed(failure ?? new Error('the server closed the connection before it was ready'));
    };
    const giveUp = (error: unknown): void => {
      if (session !== undefined) return;
      failure ??= explainedRefusal(error, client?.offersTls === true && !target.usesTls);
      if (client === undefined) end();
      else client.hangUp();
    };
    const limit = timeLimit(clock, connectTimeoutMs, () => {
      giveUp(asker?.asking === true ? asker.late(connectTimeoutMs) : new ConnectTimeoutError(connectTimeoutMs));
    });
    const ready = (made: MysqlClient, start: MysqlStart): void => {
      if (failure !== undefined) return;
      limit.cancel();
      session = this.#session(target, made, start, owner);
      this.#lookAtCertificates(target, made);
      owner.onOpen(session);
    };
    const begin = (password: string | undefined): void => {
      if (failure !== undefined) return;
      const made = new MysqlClient(
        this.#mysql,
        { target, password, programName },
        {
          onConnected: () => setUp(made, this.#options.lockTimeoutMs).then((start) => ready(made, start), giveUp),
          onError: (error) => (session === undefined ? giveUp(error) : session.ending.lose(error)),
          onClosed: () => (session === undefined ? end() : session.ending.onClosed(new ConnectionEndedError(HUNG_UP))),
        },
      );
      client = made;
    };
    if (asker === undefined) begin(undefined);
    else asker.ask().then(begin, giveUp);
    return { abort: () => giveUp(new Error('the attempt to connect was given up')) };
  }

  #session(target: MysqlTarget, client: MysqlClient, start: MysqlStart, owner: SessionOwner): MysqlSession {
    const { name, clock, applicationName, maxResultBytes = 0 } = this.#options;
    const { threadId, peer: at } = client;
    const login = { target, at, programName: `${applicationName} (cancel)` };
    const wire = new MysqlWire(client.connection, this.#commands, (error) => session.ending.lose(error));
    const session = new MysqlSession(this.#nextId(), {
      wire,
      line: new StatementLine(wire, mysqlWords(start.flavour, start.defaultLimit)),
      restorer: new MysqlRestorer(wire, start, target.database),
      waitTimeoutMs: start.waitTimeoutMs,
      nothing: NOTHING,
      clock,
      owner,
      natures: this.#natures,
      resultBound: maxResultBytes > 0 ? { pool: name, maxBytes: maxResultBytes } : undefined,
      link: {
        end: () => client.end(),
        hangUp: () => client.hangUp(),
        tellToStop: () => this.#killer.kill({ threadId, login }),
      },
    });
    if (maxResultBytes > 0) client.onReceived((bytes) => session.ending.onReceived(bytes));
    return session;
  }

  #lookAtCertificates(target: MysqlTarget, client: MysqlClient): void {
    // Certificates end by the calendar, so here the date counts and not the clock of the engine.
    const dateMs = Date.now();
    const { serverUntilMs } = client;
    if (serverUntilMs !== undefined) this.#certificates.seen(dateMs, 'server', serverUntilMs);
    if (target.clientUntilMs !== undefined) this.#certificates.seen(dateMs, 'client', target.clientUntilMs);
  }
}
