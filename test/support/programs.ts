import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

interface Package {
  readonly apt: string;
  readonly brew: string;
}

/** A program beside Node that tests start. */
export type ProgramName = 'chromium' | 'faketime' | 'haproxy' | 'mariadbd' | 'pgbouncer' | 'redis-server';

const PROGRAMS: Readonly<Record<ProgramName, Package>> = {
  chromium: { apt: 'chromium', brew: 'chromium' },
  faketime: { apt: 'faketime', brew: 'libfaketime' },
  haproxy: { apt: 'haproxy', brew: 'haproxy' },
  mariadbd: { apt: 'mariadb-server', brew: 'mariadb' },
  pgbouncer: { apt: 'pgbouncer', brew: 'pgbouncer' },
  'redis-server': { apt: 'redis-server', brew: 'redis' },
};

/** Servers live where the search path of an ordinary user does not lead. */
const FOLDERS: readonly string[] = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin', '/opt/homebrew/sbin'];

/**
 * The path of a program that a test starts.
 *
 * @throws Error with one line that says how to get it.
 */
export function findProgram(name: ProgramName): string {
  const path = locate(name);
  if (path === undefined) throw new Error(missing(name));
  return path;
}

/** The path of a program, or `undefined` where this machine has none. */
export function locate(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...FOLDERS];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** One line for people: what is missing and how to get it. */
export function missing(name: ProgramName): string {
  const { apt, brew } = PROGRAMS[name];
  return `"${name}" is missing: install it with "apt install ${apt}", or on macOS with "brew install ${brew}"`;
}

/** Installs what is missing where this process may: as root, with apt. Elsewhere the test that needs it says so. */
export function installMissing(): void {
  const packages = Object.entries(PROGRAMS).flatMap(([name, { apt }]) => (locate(name) === undefined ? [apt] : []));
  if (packages.length === 0 || process.getuid?.() !== 0 || locate('apt-get') === undefined) return;
  console.log(`installing ${packages.join(', ')} for the tests`);
  runApt('update', '-qq');
  runApt('install', '-y', '-qq', '--no-install-recommends', ...packages);
}

function runApt(...args: readonly string[]): void {
  // Run level 1: a package that brings a service does not start it.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const run = spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=300', ...args], { env, encoding: 'utf8' });
  if (run.status !== 0) console.error(`apt-get ${args[0]} failed: ${run.stderr}`);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
