import type { Clock } from '../clock.js';
import { TextMemo } from '../core/text-memo.js';
import { CertificateWatch } from './certificate-watch.js';
import { ConnectTimeoutError } from './connect-timeout.js';
import type { FailureKind } from './contract.js';
import type { SessionParts } from './engine-session.js';
import type { LoginChange } from './login.js';
import { PasswordError } from './password.js';
import type { ServerLimits } from './server-limits.js';
import type { ConnectTrouble, Opening, Session, SessionDriver, SessionOwner } from './session.js';
import type { StatementNature, StatementNatures } from './session-trace.js';
import type { PreparedLogin } from './trial.js';

/** What every driver needs to know. */
export interface EngineDriverOptions {
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

/** What the errors of one engine mean. */
export interface EngineErrors {
  classify(error: unknown): FailureKind;
  connectTrouble(error: unknown): ConnectTrouble;
  /** Whether the loss of a session with this error puts the others in doubt. */
  isOutage(error: unknown): boolean;
}

/** What every session of a driver is given. */
export type CommonParts = Pick<SessionParts, 'clock' | 'owner' | 'natures' | 'resultBound'>;

/** What the drivers of all engines do alike. A `Way` leads in to one server, and is replaced when the login changes. */
export abstract class EngineDriver<Way> implements SessionDriver {
  protected readonly nextId: () => number;
  protected readonly certificates: CertificateWatch;
  readonly #options: EngineDriverOptions;
  readonly #errors: EngineErrors;
  readonly #natures: StatementNatures;
  #way: Way;

  /** @param nextId - Numbers the sessions. */
  constructor(
    options: EngineDriverOptions,
    nextId: () => number,
    way: Way,
    engine: { readonly errors: EngineErrors; readonly natureOf: (text: string) => StatementNature },
  ) {
    this.nextId = nextId;
    this.certificates = new CertificateWatch(options.warn);
    this.#options = options;
    this.#errors = engine.errors;
    this.#natures = new TextMemo(engine.natureOf);
    this.#way = way;
  }

  open(owner: SessionOwner): Opening {
    return this.enter(this.#way, owner);
  }

  prepare(change: LoginChange): PreparedLogin {
    const way = this.changed(this.#way, change);
    return {
      elsewhere: this.placeOf(way) !== this.placeOf(this.#way),
      open: (owner) => this.enter(way, owner),
      limits: (session) => this.limitsOf(way, session),
      adopt: () => {
        this.#way = way;
      },
    };
  }

  classify(error: unknown): FailureKind {
    return error instanceof ConnectTimeoutError ? 'connection_lost' : this.#errors.classify(error);
  }

  connectTrouble(error: unknown): ConnectTrouble {
    if (error instanceof PasswordError) return 'password_source';
    return error instanceof ConnectTimeoutError ? 'silent' : this.#errors.connectTrouble(error);
  }

  isOutage(error: unknown): boolean {
    return this.#errors.isOutage(error);
  }

  protected get way(): Way {
    return this.#way;
  }

  /** Opens a session. */
  protected abstract enter(way: Way, owner: SessionOwner): Opening;

  /** @throws LoginSettingError when a way with these changes cannot be used at all. */
  protected abstract changed(way: Way, change: LoginChange): Way;

  /** Names the server and the database that a way leads to. */
  protected abstract placeOf(way: Way): string;

  /** See {@link PreparedLogin.limits}. */
  protected abstract limitsOf(way: Way, session: Session): Promise<ServerLimits | undefined>;

  protected common(owner: SessionOwner): CommonParts {
    const { name, clock, maxResultBytes = 0 } = this.#options;
    const resultBound = maxResultBytes > 0 ? { pool: name, maxBytes: maxResultBytes } : undefined;
    return { clock, owner, natures: this.#natures, resultBound };
  }
}
