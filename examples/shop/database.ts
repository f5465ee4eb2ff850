import pg from 'pg';
import { DatabaseRefused, DatabaseUnavailable } from './database-errors.js';
import { isMysql } from './dialect.js';
import { type Column, checkColumns, checkVersion, recogniseTables } from './recognise.js';
import { COLUMNS, CREATE_AND_SEED, LIST_COLUMNS, LIST_RELATIONS, TABLES } from './schema.js';

export { DatabaseRefused, DatabaseUnavailable };

/** Two shops that start at once on one database take turns by this advisory lock; the number only has to be rare. */
const START_LOCK = 5_813_264_097;

const CONNECT_TIMEOUT_MS = 2_000;

/** SQLSTATEs that pass by themselves: connection trouble, a server that starts or is full, a standby. */
const TEMPORARY = /^(08|53|57P0|25006)/;

/**
 * Makes the database at `url` the shop's: creates it where it does not exist, creates and fills the tables where it is
 * empty, recognises them where they are its own. Any number of processes may do this at once.
 *
 * @returns What was found: `seeded` or `reused`.
 * @throws {@link DatabaseRefused} when it belongs to somebody else or rights are missing, {@link DatabaseUnavailable}
 *   while it cannot be reached.
 */
export async function prepareDatabase(url: string): Promise<'seeded' | 'reused'> {
  if (isMysql(url)) {
    // Only who uses MySQL needs its driver.
    const { prepareMysql } = await import('./mysql/prepare.js');
    return await prepareMysql(url);
  }
  try {
    return await prepare(url);
  } catch (error) {
    if (error instanceof DatabaseRefused || error instanceof TypeError) throw error;
    const { code, message } = describe(error);
    if (isTemporary(code)) {
      throw new DatabaseUnavailable(message, { cause: error });
    }
    throw new DatabaseRefused(`the shop cannot use its database: ${message} (${code})`, { cause: error });
  }
}

async function prepare(url: string): Promise<'seeded' | 'reused'> {
  const client = await connect(url).catch(async (error: unknown) => {
    if (describe(error).code !== '3D000') throw error;
    await createDatabase(url);
    return connect(url);
  });
  try {
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock($1)', [START_LOCK]);
    const found = await recognise(client);
    if (found === 'empty') await seed(client);
    await client.query('commit');
    return found === 'empty' ? 'seeded' : 'reused';
  } finally {
    // Ending the session rolls back whatever is open.
    await client.end().catch(() => undefined);
  }
}

async function recognise(client: pg.Client): Promise<'empty' | 'own'> {
  const { rows } = await client.query<{ schema: string; name: string }>(LIST_RELATIONS);
  const found = rows.map(({ schema, name }) => `${schema}.${name}`);
  if (recogniseTables(found, (name) => TABLES.some((table) => name === `public.${table}`)) === 'empty') return 'empty';
  const { rows: columns } = await client.query<Column>(LIST_COLUMNS, [TABLES]);
  checkColumns(columns, COLUMNS, (table) => `public.${table}`);
  const meta = await client.query<{ version: number }>('select version from public.shop_meta');
  checkVersion(meta.rows[0]?.version);
  return 'own';
}

async function seed(client: pg.Client): Promise<void> {
  await client.query(CREATE_AND_SEED);
  // Whoever may create tables need not own the database; the tables' own setting then has to do.
  await client.query('savepoint parallel');
  try {
    const { rows } = await client.query<{ name: string }>('select quote_ident(current_database()) as name');
    await client.query(`alter database ${rows[0]?.name} set max_parallel_workers_per_gather = 0`);
  } catch (error) {
    if (describe(error).code !== '42501') throw error;
    await client.query('rollback to parallel');
  }
}

async function createDatabase(url: string): Promise<void> {
  const server = new URL(url);
  const name = decodeURIComponent(server.pathname.slice(1));
  server.pathname = '/postgres';
  let client: pg.Client | undefined;
  try {
    client = await connect(server.href);
    await client.query(`create database ${pg.escapeIdentifier(name)}`);
  } catch (error) {
    const { code, message } = describe(error);
    // Somebody who starts at the same moment created it first.
    if (code === '42P04' || code === '23505') return;
    if (isTemporary(code)) throw error;
    throw new DatabaseRefused(`the database "${name}" does not exist and cannot be created: ${message}; create it`);
  } finally {
    await client?.end().catch(() => undefined);
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'sluice-shop-start',
    keepAlive: true,
  });
  // A session that dies is told by the query that it breaks; without a listener it would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
  return client;
}

/** Whether trying again may help: what the server says of itself, errors of the system (`E…`), and a cut connection. */
function isTemporary(code: string | undefined): boolean {
  return code === undefined || TEMPORARY.test(code) || code.startsWith('E');
}

/** The code and text of an error; Node gathers the refusals of several addresses in one without a text of its own. */
function describe(error: unknown): { code: string | undefined; message: string } {
  const first = error instanceof AggregateError ? (error.errors[0] ?? error) : error;
  if (!(first instanceof Error)) return { code: undefined, message: String(first) };
  const code = 'code' in first && typeof first.code === 'string' ? first.code : undefined;
  return { code, message: first.message };
}
