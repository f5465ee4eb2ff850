import { TextMemo } from '../core/text-memo.js';
import { ConnectAttempt } from './connect-attempt.js';
import { ConnectionEndedError } from './connection-ended.js';
import { EngineDriver, type EngineDriverOptions, type EngineErrors } from './engine-driver.js';
import type { LoginChange } from './login.js';
import { MysqlClient, type MysqlClientListener } from './mysql-client.js';
import {
  classifyMysqlError,
  explainedRefusal,
  isMysqlOutage,
  mysqlConnectTrouble,
  type TlsOfAttempt,
} from './mysql-errors.js';
import { MysqlKiller } from './mysql-killer.js';
import { readMysqlLimits } from './mysql-limits.js';
import { loadMysql, type MysqlModule } from './mysql-module.js';
import { mysqlNature } from './mysql-natures.js';
import { MysqlRestorer } from './mysql-restorer.js';
import { MysqlSession } from './mysql-session.js';
import { type MysqlStart, setUp } from './mysql-setup.js';
import { MysqlTarget, type MysqlTargetSettings } from './mysql-target.js';
import { commandOf } from './mysql-text.js';
import { MysqlWire, NOTHING } from './mysql-wire.js';
import { mysqlWords, serverNameText } from './mysql-words.js';
import type { ServerLimits } from './server-limits.js';
import type { Opening, Session, SessionOwner } from './session.js';
import { StatementLine } from './statement-line.js';

/** For the way to a connection that stops a statement; a session whose server was not reached gives up at the same time. */
const KILL_LIMIT_MS = 1_000;

const ERRORS: EngineErrors = {
  classify: classifyMysqlError,
  connectTrouble: mysqlConnectTrouble,
  isOutage: isMysqlOutage,
};

const HUNG_UP = 'the server closed the connection';

function tlsOf(target: MysqlTarget, client: MysqlClient | undefined): TlsOfAttempt {
  if (target.usesTls) return 'used';
  return client?.offersTls === true ? 'unasked' : 'absent';
}

/** What {@link MysqlDriver} needs to know. */
export interface MysqlDriverOptions extends MysqlTargetSettings, EngineDriverOptions {}

/** Opens sessions of MySQL and MariaDB through `mysql2`, without its pool. */
export class MysqlDriver extends EngineDriver<MysqlTarget> {
  readonly #options: MysqlDriverOptions;
  readonly #mysql: MysqlModule;
  readonly #commands = new TextMemo(commandOf);
  readonly #killer: MysqlKiller;

  /**
   * @param nextId - Numbers the sessions.
   * @throws LoginSettingError when the url or a file of TLS cannot be used, or `mysql2` is not installed.
   */
  constructor(options: MysqlDriverOptions, nextId: () => number) {
    const mysql = loadMysql(options.name);
    const target = new MysqlTarget(options.name, options);
    super(options, nextId, target, { errors: ERRORS, natureOf: mysqlNature });
    this.#options = options;
    this.#mysql = mysql;
    this.#killer = new MysqlKiller(mysql, {
      pool: options.name,
      clock: options.clock,
      limitMs: KILL_LIMIT_MS,
      warn: options.warn,
    });
  }

  protected changed(target: MysqlTarget, change: LoginChange): MysqlTarget {
    return target.changed(change);
  }

  protected placeOf({ address, database }: MysqlTarget): string {
    return JSON.stringify([address, database]);
  }

  protected limitsOf(_: MysqlTarget, session: Session): Promise<ServerLimits> {
    return readMysqlLimits(session);
  }

  protected enter(target: MysqlTarget, owner: SessionOwner): Opening {
    const { name: pool, clock, connectTimeoutMs: timeoutMs, lockTimeoutMs } = this.#options;
    const { password } = target;
    let client: MysqlClient | undefined;
    const onClosed = (): void => {
      attempt.onClosed(
        attempt.session === undefined ? new Error(`${HUNG_UP} before it was ready`) : new ConnectionEndedError(HUNG_UP),
      );
    };
    const hangUp = (): void => (client === undefined ? onClosed() : client.hangUp());
    const onFailed = (error: unknown): void => owner.onOpenFailed(error);
    const parts = { pool, clock, timeoutMs, password, owner, onFailed, hangUp };
    const attempt = new ConnectAttempt<MysqlSession>(parts);
    const giveUp = (error: unknown): void => attempt.giveUp(explainedRefusal(error, tlsOf(target, client)));
    const ready = (made: MysqlClient, start: MysqlStart): void => {
      if (attempt.failed) return;
      this.certificates.opened(made.serverUntilMs, target.clientUntilMs);
      attempt.open(this.#session(target, made, start, owner));
    };
    const begin = (secret: string | undefined): void => {
      if (attempt.failed) return;
      const made = this.#client(target, secret, {
        onConnected: () => setUp(made, lockTimeoutMs).then((start) => ready(made, start), giveUp),
        onError: (error) => (attempt.session === undefined ? giveUp(error) : attempt.onError(error)),
        onClosed,
      });
      client = made;
    };
    if (attempt.asker === undefined) begin(undefined);
    else attempt.asker.ask().then(begin, giveUp);
    return {
      abort: () => attempt.abort(),
      get stage() {
        return attempt.stage(client?.connecting !== false);
      },
    };
  }

  #session(target: MysqlTarget, client: MysqlClient, start: MysqlStart, owner: SessionOwner): MysqlSession {
    const { applicationName } = this.#options;
    const common = this.common(owner);
    const { threadId, peer: at } = client;
    const login = { target, at, programName: `${applicationName} (cancel)` };
    const server = { text: serverNameText(start.flavour), name: start.server };
    const wire = new MysqlWire(client.connection, start, this.#commands, (error) => session.ending.lose(error));
    const session: MysqlSession = new MysqlSession(this.nextId(), {
      ...common,
      wire,
      line: new StatementLine(wire, mysqlWords(start.flavour, start.defaultLimit)),
      restorer: new MysqlRestorer(wire, start, target.database),
      waitTimeoutMs: start.waitTimeoutMs,
      nothing: NOTHING,
      link: {
        end: () => client.end(),
        hangUp: () => client.hangUp(),
        tellToStop: () => this.#killer.kill({ threadId, login, server, victim: session.ending }),
        withdraw: () => this.#killer.withdraw(session.ending),
      },
    });
    if (common.resultBound !== undefined) client.onReceived((bytes) => session.ending.onReceived(bytes));
    return session;
  }

  #client(target: MysqlTarget, password: string | undefined, listener: MysqlClientListener): MysqlClient {
    return new MysqlClient(this.#mysql, { target, password, programName: this.#options.applicationName }, listener);
  }
}
