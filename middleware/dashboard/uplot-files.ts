import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** What the page fetches to draw its charts. */
export interface UplotFiles {
  readonly script: string;
  readonly style: string;
}

const require = createRequire(import.meta.url);

/** The files of the package `uplot` as it is installed; `undefined` where it is not, and the page has no charts. */
export async function uplotFiles(): Promise<UplotFiles | undefined> {
  try {
    const folder = dirname(require.resolve('uplot'));
    const [script, style] = await Promise.all([
      readFile(join(folder, 'uPlot.iife.min.js'), 'utf8'),
      readFile(join(folder, 'uPlot.min.css'), 'utf8'),
    ]);
    return { script, style };
  } catch {
    return undefined;
  }
}
