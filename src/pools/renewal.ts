import type { Ageing } from './ageing.js';
import type { ConnectWarnings } from './connect-warnings.js';
import type { Connector } from './connector.js';
import type { Growth } from './growth.js';
import type { Reachability } from './reachability.js';
import type { SessionSet } from './session-set.js';

/** What the renewal of a pool works on. */
export interface RenewalParts {
  readonly sessions: SessionSet;
  readonly reach: Reachability;
  readonly ageing: Ageing;
  readonly connector: Connector;
  readonly growth: Growth;
  readonly warnings: ConnectWarnings;
  /** That ended an outage. */
  readonly onRegained: () => void;
}

/** Replaces all sessions of a pool: at once, or one after the other as others come in their place. */
export class Renewal {
  readonly #parts: RenewalParts;

  constructor(parts: RenewalParts) {
    this.#parts = parts;
  }

  /** Lends no session of before any more: those that are idle end now, the others as they come back. */
  atOnce(): void {
    this.#parts.sessions.outdate();
    this.#parts.ageing.reset();
  }

  /** Replaces every session of before at once, those being opened included. */
  recycle(): void {
    if (this.#parts.reach.state === 'closed') return;
    this.atOnce();
    this.#parts.growth.pursue();
  }

  /**
   * Replaces them after a change of the login, which was tried: the server answers, and what attempts have met does not
   * count any more.
   *
   * @param elsewhere - It leads to another server. If not, sessions of before serve until others have come in their place.
   * @returns The epoch in which that begins.
   */
  renew(elsewhere: boolean): number {
    const { sessions, reach, connector, growth, warnings, onRegained } = this.#parts;
    warnings.forget();
    if (elsewhere || reach.state !== 'up') this.atOnce();
    else this.#oneByOne();
    const { epoch } = sessions;
    connector.renew();
    if (reach.regain()) onRegained();
    else growth.pursue();
    return epoch;
  }

  #oneByOne(): void {
    const { sessions, ageing } = this.#parts;
    for (const slot of sessions.supersede()) ageing.replace(slot);
  }
}
