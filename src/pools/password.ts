import type { PasswordSource } from './login.js';

/** The password function gave none. It tells neither what the function gave nor the text of its error. */
export class PasswordError extends Error {
  override readonly name = 'PasswordError';
}

/** Asks for the password of one connection attempt. */
export interface PasswordAsker {
  /** True from the question until the answer. */
  readonly asking: boolean;
  ask(): Promise<string>;
  /** What to say when the answer has not come within the attempt's bound. */
  late(limitMs: number): PasswordError;
}

/** What a function of the application says may be a secret itself, so only its kind is repeated. */
export function passwordAsker(pool: string, source: PasswordSource): PasswordAsker {
  let asking = false;
  const about = `the password function of pool "${pool}"`;
  return {
    get asking() {
      return asking;
    },
    ask: async () => {
      asking = true;
      try {
        const password: unknown = await source();
        if (typeof password === 'string' && password !== '') return password;
        const what =
          password === '' ? 'an empty text' : password === null ? 'null' : `a value of type ${typeof password}`;
        throw new PasswordError(`${about} gave ${what}: let it give the password as a text`);
      } catch (error) {
        throw error instanceof PasswordError ? error : new PasswordError(`${about} failed with ${kindOf(error)}`);
      } finally {
        asking = false;
      }
    },
    late: (limitMs) => new PasswordError(`${about} gave no answer within ${limitMs} ms (connectTimeoutMs)`),
  };
}

function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return 'something that is no error';
  return 'code' in error && /^[A-Z0-9_]{1,40}$/.test(String(error.code)) ? String(error.code) : error.constructor.name;
}
