/**
 * Calls what the application gave, for what it does and not for what it returns: whether it throws, or returns a promise
 * that rejects, is no business of whoever calls, and must not end the process.
 */
export function quietly(call: () => unknown): void {
  try {
    unheard(call());
  } catch {
    // Whom to tell, when those who are told are what fails?
  }
}

/** Lets a value, if it is a promise, reject without anybody hearing of it. Tells whether it is one. */
export function unheard(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('then' in value)) return false;
  Promise.resolve(value).catch(() => {});
  return true;
}

/** What a value is, in words for a warning. Nobody waits for one that is a promise. */
export function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (unheard(value)) return 'a promise';
  return value === null ? 'null' : `a value of type ${typeof value}`;
}
