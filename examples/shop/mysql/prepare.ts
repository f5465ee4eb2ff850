import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { DatabaseRefused, DatabaseUnavailable } from '../database-errors.js';
import { type Column, checkColumns, checkVersion, recogniseTables } from '../recognise.js';
import { TABLES } from '../schema.js';
import { COLUMNS, CREATE_AND_SEED, LIST_COLUMNS, LIST_TABLES, UNFINISHED } from './schema.js';

const CONNECT_TIMEOUT_MS = 2_000;
/** Two shops that start at once take turns; filling the tables takes a few seconds. */
const TURN_TIMEOUT_S = 60;

const UNKNOWN_DATABASE = 1049;
const DATABASE_EXISTS = 1007;
/** Contention, a full server, one that ends or takes no writes. */
const TEMPORARY: ReadonlySet<number> = new Set([1040, 1053, 1135, 1203, 1205, 1213, 1226, 1290, 1836]);

/** As `prepareDatabase`, on MySQL or MariaDB. */
export async function prepareMysql(url: string): Promise<'seeded' | 'reused'> {
  try {
    return await prepare(url);
  } catch (error) {
    if (error instanceof DatabaseRefused || error instanceof DatabaseUnavailable) throw error;
    const { errno, message } = describe(error);
    if (errno === undefined || TEMPORARY.has(errno)) throw new DatabaseUnavailable(message, { cause: error });
    throw new DatabaseRefused(`the shop cannot use its database: ${message} (${errno})`, { cause: error });
  }
}

async function prepare(url: string): Promise<'seeded' | 'reused'> {
  const name = decodeURIComponent(new URL(url).pathname.slice(1));
  if (name === '') throw new DatabaseRefused('DATABASE_URL names no database: add one, mysql://…/shop');
  const connection = await connect(url).catch(async (error: unknown) => {
    if (describe(error).errno !== UNKNOWN_DATABASE) throw error;
    await createDatabase(url, name);
    return connect(url);
  });
  try {
    await takeTurn(connection, name);
    const found = await recognise(connection);
    if (found === 'empty') for (const text of CREATE_AND_SEED) await connection.query(text);
    await connection.end();
    return found === 'empty' ? 'seeded' : 'reused';
  } finally {
    // With the session ends its turn.
    connection.destroy();
  }
}

async function takeTurn(connection: Connection, name: string): Promise<void> {
  // Names of locks have 64 characters at most.
  const lock = ['select get_lock(concat(?, md5(?)), ?) as mine', ['sluice shop ', name, TURN_TIMEOUT_S]] as const;
  const [rows] = await connection.query<(RowDataPacket & { mine: number })[]>(lock[0], [...lock[1]]);
  if (rows[0]?.mine !== 1) throw new DatabaseUnavailable('another shop is filling this database');
}

async function recognise(connection: Connection): Promise<'empty' | 'own'> {
  const [tables] = await connection.query<(RowDataPacket & { name: string })[]>(LIST_TABLES);
  const found = tables.map(({ name }) => name).filter((name) => !name.startsWith(UNFINISHED));
  if (recogniseTables(found, (name) => TABLES.includes(name)) === 'empty') return 'empty';
  const [columns] = await connection.query<(RowDataPacket & Column)[]>(LIST_COLUMNS);
  checkColumns(columns, COLUMNS, (table) => table);
  const [meta] = await connection.query<(RowDataPacket & { version: number })[]>('select version from shop_meta');
  checkVersion(meta[0]?.version);
  return 'own';
}

async function createDatabase(url: string, name: string): Promise<void> {
  const server = new URL(url);
  server.pathname = '/';
  const connection = await connect(server.href);
  try {
    await connection.query('create database ??', [name]);
  } catch (error) {
    const { errno, message } = describe(error);
    // Somebody who starts at the same moment created it first.
    if (errno === DATABASE_EXISTS) return;
    if (errno === undefined || TEMPORARY.has(errno)) throw error;
    throw new DatabaseRefused(`the database "${name}" does not exist and cannot be created: ${message}; create it`);
  } finally {
    connection.destroy();
  }
}

async function connect(url: string): Promise<Connection> {
  const { host, port, user, password, database } = partsOf(url);
  const tls = new URL(url).searchParams.get('sslmode') ?? 'disable';
  const connection = await createConnection({
    host,
    port,
    user,
    password,
    ...(database === '' ? {} : { database }),
    ...(tls === 'disable' ? {} : { ssl: { rejectUnauthorized: tls !== 'no-verify' } }),
    connectTimeout: CONNECT_TIMEOUT_MS,
  });
  // A session that dies is told by the query that it breaks; without a listener it would end the process.
  connection.on('error', () => undefined);
  return connection;
}

function partsOf(url: string): Readonly<Record<'host' | 'user' | 'password' | 'database', string>> & { port: number } {
  const { hostname, port, username, password, pathname } = new URL(url);
  return {
    host: hostname.replace(/^\[|\]$/g, '') || 'localhost',
    port: Number(port) || 3_306,
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)),
  };
}

/** The server's number for an error, where it spoke; the driver's own numbers are not positive. */
function describe(error: unknown): { readonly errno: number | undefined; readonly message: string } {
  const first = error instanceof AggregateError ? (error.errors[0] ?? error) : error;
  if (!(first instanceof Error)) return { errno: undefined, message: String(first) };
  const errno = 'errno' in first && typeof first.errno === 'number' && first.errno > 0 ? first.errno : undefined;
  return { errno, message: first.message };
}
