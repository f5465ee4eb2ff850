import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findBinaries } from './postgres-binaries.js';
import { type Owner, unprivilegedOwner } from './unprivileged-owner.js';
import { watchFor } from './watchdog.js';

/** Data that servers can begin with, each with a copy of its own. */
export interface PostgresData {
  readonly directory: string;
  /** Of superuser `postgres`. */
  readonly password: string;
}

/** As whom the server runs and its data is written; `undefined` where that is whoever runs this process. */
export function postgresOwner(): Owner | undefined {
  return unprivilegedOwner('postgres', 'nobody');
}

/** Makes a directory for a server, below that for temporary files. */
export async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-postgres-'));
  const owner = postgresOwner();
  if (owner !== undefined) chownSync(directory, owner.uid, owner.gid);
  return directory;
}

/**
 * Lays data out for many servers to come: a copy takes a fraction of the time. It is removed when this process has
 * ended.
 */
export async function layOutData(): Promise<PostgresData> {
  const parent = await makeDirectory();
  watchFor('rm -rf "$1"', parent);
  const directory = join(parent, 'data');
  const password = await makeData(directory);
  return { directory, password };
}

/** Makes fresh data in a directory that is not there yet. Resolves to the password of superuser `postgres`. */
export async function makeData(directory: string): Promise<string> {
  const { initdb } = await findBinaries();
  const owner = postgresOwner();
  const password = randomBytes(12).toString('hex');
  const passwordFile = `${directory}.password`;
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (owner !== undefined) chownSync(passwordFile, owner.uid, owner.gid);
  const options = [
    `--pgdata=${directory}`,
    '--auth=scram-sha-256',
    '--username=postgres',
    `--pwfile=${passwordFile}`,
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
    '--no-instructions',
  ];
  await run(initdb, options, owner);
  await rm(passwordFile);
  return password;
}

/** Copies data to a directory that is not there yet, with whose it is and what they may. Resolves to the password. */
export async function copyData({ directory, password }: PostgresData, to: string): Promise<string> {
  await run('cp', ['-a', directory, to]);
  return password;
}

async function run(program: string, options: readonly string[], owner?: Owner): Promise<void> {
  const child = spawn(program, options, {
    ...owner,
    cwd: tmpdir(),
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${program} failed: ${output.trim().split('\n')[0] || code}`);
}
