import type { Clock } from '../clock.js';
import type { ServerLimits } from './server-limits.js';
import type { Opening, Session, SessionOwner } from './session.js';
import { timeLimit } from './time-limit.js';

/** For what a session is asked that was opened for a trial. */
const ASKED_WITHIN_MS = 1_000;

/** A way in that was checked and not adopted yet. */
export interface PreparedLogin {
  /** It leads to another server, or to another of its databases, than the login of before. */
  readonly elsewhere: boolean;
  open(owner: SessionOwner): Opening;
  /** From now on sessions are opened this way. */
  adopt(): void;
  /** What the server allows, asked on a session that was opened this way; `undefined` where a pooler answers in its place. */
  limits(session: Session): Promise<ServerLimits | undefined>;
}

/**
 * Opens one session and ends it again. Resolves when nothing is left of it, to what it told of its server, if anything;
 * rejects with what the attempt met.
 */
export function tryLogin(login: PreparedLogin, clock: Clock): Promise<ServerLimits | undefined> {
  return new Promise((resolve, reject) => {
    let limits: ServerLimits | undefined;
    const look = async (session: Session): Promise<void> => {
      const limit = timeLimit(clock, ASKED_WITHIN_MS, () => session.destroy());
      // Whoever does not tell is no worse for that.
      limits = await login.limits(session).catch(() => undefined);
      limit.cancel();
      session.retire();
    };
    login.open({
      onOpen: (session) => void look(session),
      onOpenFailed: reject,
      onClosed: () => resolve(limits),
      onLost: (_, error) => reject(error),
      onSilent: () => undefined,
      onReadOnly: () => undefined,
      onCancelSent: () => undefined,
    });
  });
}
