import mysql from 'mysql2/promise';
import pg from 'pg';
import { startMariadb } from '../../support/mariadb-server.js';
import { startShopPostgres } from '../../support/postgres.js';

/** A server for a shop, with a way in beside the shop's own. */
export interface ShopDatabase {
  readonly url: string;
  /** One statement in the words of PostgreSQL. */
  sql<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>;
  /** How many sessions sleep as they were told to. */
  asleep(): Promise<number>;
  close(): Promise<void>;
}

/** Starts one, by the name of its engine. */
export const DATABASES: Readonly<Record<'postgres' | 'mariadb', () => Promise<ShopDatabase>>> = {
  postgres: onPostgres,
  mariadb: onMariadb,
};

async function onPostgres(): Promise<ShopDatabase> {
  const server = await startShopPostgres({ settings: { fsync: 'off' } });
  const beside = new pg.Pool({ connectionString: server.url, max: 2 });
  beside.on('error', () => undefined);
  const sleepers = "select count(*)::int as n from pg_stat_activity where wait_event = 'PgSleep'";
  return shopDatabase(server, beside, sleepers, async (text, values) => (await beside.query(text, values)).rows);
}

async function onMariadb(): Promise<ShopDatabase> {
  const server = await startMariadb();
  const beside = mysql.createPool({ uri: server.url, connectionLimit: 2, decimalNumbers: true });
  const sleepers = "select count(*) as n from information_schema.processlist where state = 'User sleep'";
  const sql = async <Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> => {
    const [rows] = await beside.query(translated(text), values);
    return rows as Row[];
  };
  // What may come as a text does: the shop answers the same.
  const url = `${server.url}?bigNumberStrings=true&dateStrings=true&jsonStrings=true`;
  return shopDatabase({ url, close: () => server.close() }, beside, sleepers, sql);
}

function shopDatabase(
  server: { readonly url: string; close(): Promise<void> },
  beside: { end(): Promise<void> },
  sleepers: string,
  sql: ShopDatabase['sql'],
): ShopDatabase {
  return {
    url: server.url,
    sql,
    asleep: async () => (await sql<{ n: number }>(sleepers))[0]?.n ?? 0,
    close: async () => {
      await beside.end();
      await server.close();
    },
  };
}

/** The few words in which the tests differ. */
function translated(text: string): string {
  return text
    .replace(/\$\d/g, '?')
    .replace(/::\w+/g, '')
    .replace(/interval '(\d+) days'/g, 'interval $1 day');
}
