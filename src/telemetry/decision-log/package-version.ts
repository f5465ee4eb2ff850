import { readFileSync } from 'node:fs';

/** The version of this package; `unknown` where its package.json is not beside it. */
export function packageVersion(): string {
  // Beside the sources as well as beside what is built of them, a different number of folders up.
  for (const up of ['../../../package.json', '../../../../package.json']) {
    try {
      const own: unknown = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8'));
      if (typeof own === 'object' && own !== null && 'version' in own) return String(own.version);
    } catch {
      // Not there: the next one is.
    }
  }
  return 'unknown';
}
