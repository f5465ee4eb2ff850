import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The root of the repository. */
export const ROOT: string = fileURLToPath(new URL('../../..', import.meta.url));

/** What Node is called with to run the command line as it was built. */
export const PROGRAM = 'dist/src/cli/main.js';

/** Starts the command line, without anything to read. */
export function start(args: readonly string[], stdout: 'pipe' | number = 'pipe'): ChildProcess {
  return spawn(process.execPath, [PROGRAM, ...args], { cwd: ROOT, stdio: ['ignore', stdout, 'pipe'] });
}

/** Waits for the end of a program. */
export async function endOf(child: ChildProcess): Promise<{ code: unknown; out: string; err: string }> {
  const said = { out: '', err: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said.out += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said.err += text;
  });
  const [code] = await once(child, 'close');
  return { code, ...said };
}
