import mysql from 'mysql2';
import pg from 'pg';

/** A client of the driver alone, without a pool, and the same work in the words of its engine. */
export interface BareClient {
  /** Resolves with what the driver answers. */
  query(text: string, values?: readonly unknown[]): Promise<unknown>;
  end(): Promise<void>;
  /** One row, without and with a parameter. */
  readonly text: string;
  readonly bound: string;
}

/** Connects to the server that `url` names. */
export function connectBare(url: string): Promise<BareClient> {
  return /^(?:mysql|mariadb):/.test(url) ? onMysql(url) : onPostgres(url);
}

async function onPostgres(url: string): Promise<BareClient> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return {
    query: (text, values) => client.query(text, values as unknown[] | undefined),
    end: () => client.end(),
    text: 'SELECT 1 AS one',
    bound: 'SELECT $1::int AS one',
  };
}

/** By callbacks: the driver's own promises would be part of what Sluice is compared with. */
async function onMysql(url: string): Promise<BareClient> {
  const client = mysql.createConnection({ uri: url });
  const query: BareClient['query'] = (text, values) =>
    new Promise((resolve, reject) => {
      const done = (error: unknown, rows: unknown): void => (error === null ? resolve(rows) : reject(error));
      if (values === undefined) client.query(text, done);
      else client.query(text, values as (string | number)[], done);
    });
  await query('DO 0');
  return {
    query,
    end: () => new Promise((resolve) => client.end(() => resolve())),
    text: 'SELECT 1 AS one',
    bound: 'SELECT ? AS one',
  };
}
