import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';

/** Waits for the end of this process. */
export interface Watchdog {
  /** It has nothing left to do. */
  dismiss(): void;
}

/**
 * Runs a script of the shell once this process has ended, however it came to its end: a pipe from it closes then. No
 * signal handler is installed for that.
 *
 * @param script - Finds `argument` as `$1`.
 */
export function watchFor(script: string, argument: string): Watchdog {
  const child = spawn('sh', ['-c', `read word\n[ "$word" = closed ] && exit 0\n${script}`, 'sh', argument], {
    cwd: tmpdir(),
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  child.unref();
  // The pipe must stay open without keeping our process alive; a socket is what Node makes of it.
  if ('unref' in child.stdin && typeof child.stdin.unref === 'function') child.stdin.unref();
  return { dismiss: () => child.stdin.end('closed\n') };
}
