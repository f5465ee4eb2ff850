import type { Clock } from '../clock.js';
import { kindOf } from '../core/given-value.js';
import { checkKnownOptions } from '../core/known-options.js';
import { explainRefusal } from './connect-warnings.js';
import { PoolClosedError } from './contract.js';
import { type LoginChange, type RotateOptions, RotationRefusedError } from './login.js';
import type { Reachability } from './reachability.js';
import type { Renewal } from './renewal.js';
import type { ServerLimits } from './server-limits.js';
import type { SessionDriver } from './session.js';
import type { SessionSet } from './session-set.js';
import { timeLimit } from './time-limit.js';
import { tryLogin } from './trial.js';

/** For work in progress on a login that is expelled. */
const EXPEL_WITHIN_MS = 1_000;

/** What a change of the login works on. */
export interface RotationParts {
  /** For messages. */
  readonly pool: string;
  readonly clock: Clock;
  readonly sessions: SessionSet;
  readonly reach: Reachability;
  readonly renewal: Renewal;
}

/** Changes the login of a pool: tried first, then adopted, then every session of before is replaced, one by one. */
export class Rotation {
  readonly #driver: SessionDriver;
  readonly #parts: RotationParts;
  #adopting: Promise<unknown> = Promise.resolve();

  constructor(driver: SessionDriver, parts: RotationParts) {
    this.#driver = driver;
    this.#parts = parts;
  }

  /** See {@link ConnectionPool.rotate}. */
  async rotate(change: LoginChange, options: RotateOptions): Promise<void> {
    checkKnownOptions('rotate()', options, ['expel', 'withinMs']);
    const { expel = false, withinMs = EXPEL_WITHIN_MS } = options;
    checkEnd(expel, withinMs);
    const { clock, sessions } = this.#parts;
    // One after the other, so that the last one that was asked for stays.
    const adopted = this.#adopting.then(() => this.#adopt(change));
    this.#adopting = adopted.catch(() => undefined);
    const epoch = await adopted;
    const limit = expel ? timeLimit(clock, withinMs, () => sessions.destroyBefore(epoch)) : undefined;
    await sessions.gone(epoch);
    limit?.cancel();
  }

  /** @returns The epoch in which the new login begins. */
  async #adopt(change: LoginChange): Promise<number> {
    const { pool, clock, reach, renewal } = this.#parts;
    const refuseIfClosed = (): void => {
      if (reach.state === 'closed') throw new PoolClosedError(pool);
    };
    refuseIfClosed();
    const login = this.#driver.prepare(change);
    const limits = await tryLogin(login, clock).catch((error: unknown) => {
      throw new RotationRefusedError(pool, explainRefusal(this.#driver.connectTrouble(error), error));
    });
    refuseIfClosed();
    this.#checkRoom(limits);
    login.adopt();
    return renewal.renew(login.elsewhere);
  }

  /** Sessions for which the new user has no place would never be replaced. */
  #checkRoom(limits: ServerLimits | undefined): void {
    const { pool, sessions } = this.#parts;
    if (limits === undefined || limits.userLimit === null || limits.userLimit >= sessions.size) return;
    throw new RotationRefusedError(
      pool,
      `user "${limits.user}" may have ${limits.userLimit} of the ${sessions.size} connections that the pool has open: ` +
        'raise the limit of that user on the server, or make the pool smaller first',
    );
  }
}

/** They may come from code without types, and from settings: what only looks like a no would cut work. */
function checkEnd(expel: unknown, withinMs: unknown): void {
  if (typeof expel !== 'boolean') {
    const given = typeof expel === 'string' ? JSON.stringify(expel) : kindOf(expel);
    throw new TypeError(`expel is ${given}: use true or false, or leave it out`);
  }
  if (typeof withinMs === 'number' && withinMs >= 0 && withinMs <= 600_000) return;
  throw new RangeError(
    `withinMs is ${typeof withinMs === 'number' ? withinMs : kindOf(withinMs)}: use a number from 0 to 600000`,
  );
}
