import { getMaxListeners, setMaxListeners } from 'node:events';

/**
 * Listens to a signal until that is ended by what is returned. One signal may end any number of works at once: each
 * raises by one the number of listeners from which Node suspects a leak, for as long as it listens, so that those of
 * others are suspected as ever.
 */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal === undefined) return () => undefined;
  raise(signal, 1);
  signal.addEventListener('abort', listener, { once: true });
  let heard = true;
  return () => {
    if (heard) raise(signal, -1);
    heard = false;
    signal.removeEventListener('abort', listener);
  };
}

function raise(signal: AbortSignal, by: 1 | -1): void {
  const most = mostListeners(signal);
  if (most > 0) setMaxListeners(most + by, signal);
}

/** 0 is for no bound; Node 20 throws where somebody has asked for that. */
function mostListeners(signal: AbortSignal): number {
  try {
    return getMaxListeners(signal);
  } catch {
    return 0;
  }
}
