import type { Opening, SessionOwner } from './session.js';

/** A way in that was checked and not adopted yet. */
export interface PreparedLogin {
  open(owner: SessionOwner): Opening;
  /** From now on sessions are opened this way. */
  adopt(): void;
}

/** Opens one session and ends it again. Resolves when nothing is left of it; rejects with what the attempt met. */
export function tryLogin(login: PreparedLogin): Promise<void> {
  return new Promise((resolve, reject) => {
    login.open({
      onOpen: (session) => session.retire(),
      onOpenFailed: reject,
      onClosed: () => resolve(),
      onLost: (_, error) => reject(error),
      onSilent: () => undefined,
      onReadOnly: () => undefined,
      onCancelSent: () => undefined,
    });
  });
}
