import { execFile } from 'node:child_process';
import { basename } from 'node:path';

/** Reading one file takes tens of milliseconds. */
const LONGEST_MS = 10_000;

/**
 * The line of a syntax error in a JavaScript file; `undefined` where the file itself has none. The error that an import
 * rejects with does not tell its place (https://nodejs.org/api/cli.html#-c---check does).
 */
export function syntaxErrorLine(path: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--check', path], { timeout: LONGEST_MS }, (error, _out, told) => {
      // The first line is the file and its line; of a file that is not there, it is a place in Node itself.
      const [, place = '', line] = /^(.*):(\d+)\r?\n/.exec(told) ?? [];
      resolve(error !== null && basename(place) === basename(path) ? Number(line) : undefined);
    });
  });
}
