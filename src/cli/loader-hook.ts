import type { LoadHook } from 'node:module';

let before: Promise<unknown> = Promise.resolve();

/** Loads a module when the one before it is loaded. Runs in Node's thread of loaders. */
export const load: LoadHook = (url, context, nextLoad) => {
  const loaded = before.then(() => nextLoad(url, context));
  before = loaded.catch(() => undefined);
  return loaded;
};
