import pg from 'pg';

/** Where a connection URL leads, without its secrets. */
export interface PgAddress {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/** Reads a connection URL as the driver does, its defaults included. */
export function pgAddressOf(url: string): PgAddress {
  const { host, port, database, user } = new pg.Client({ connectionString: url });
  return { host, port, database: database ?? '', user: user ?? '' };
}
