import { DatabaseRefused } from './database-errors.js';
import { SCHEMA_VERSION, TABLES } from './schema.js';

/** A column as its engine names it: `orders.id integer`. */
export interface Column {
  readonly table: string;
  readonly column: string;
}

/**
 * Whether these tables, as they are found in a database, are the shop's.
 *
 * @param found - With the name of their schema before it, where engines have schemas: `public.orders`.
 * @param isOwn - Whether such a name is one of the shop's.
 * @throws DatabaseRefused when there are some, and they are not exactly the shop's.
 */
export function recogniseTables(found: readonly string[], isOwn: (name: string) => boolean): 'empty' | 'own' {
  if (found.length === 0) return 'empty';
  const foreign = found.filter((name) => !isOwn(name));
  if (foreign.length > 0) throw foreignTables(foreign);
  if (found.length !== TABLES.length) throw foreignTables(found);
  return 'own';
}

/**
 * Tables of somebody else may have the same names.
 *
 * @throws DatabaseRefused when one of the shop's tables has other columns than expected.
 */
export function checkColumns(
  found: readonly Column[],
  expected: readonly string[],
  shown: (table: string) => string,
): void {
  const differs = TABLES.filter((table) => {
    const own = found.filter((row) => row.table === table).map(({ column }) => column);
    return own.sort().join() !== expected.filter((column) => column.startsWith(`${table}.`)).join();
  });
  if (differs.length > 0) throw foreignTables(differs.map(shown));
}

/** @throws DatabaseRefused for the tables of another version of the shop. */
export function checkVersion(version: number | undefined): void {
  if (version === SCHEMA_VERSION) return;
  throw new DatabaseRefused(
    `the database of DATABASE_URL holds version ${version ?? 'none'} of the shop's tables, this shop needs ` +
      `version ${SCHEMA_VERSION}; give it an empty database`,
  );
}

function foreignTables(tables: readonly string[]): DatabaseRefused {
  const names = tables.slice(0, 3).map((name) => `"${name}"`);
  if (tables.length > 3) names.push(`and ${tables.length - 3} more`);
  return new DatabaseRefused(
    `the database of DATABASE_URL holds tables that are not the shop's (${names.join(', ')}); ` +
      'give the shop an empty database, or unset DATABASE_URL to use an embedded one',
  );
}
