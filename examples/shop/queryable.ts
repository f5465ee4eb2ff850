/** What the shop's SQL needs of a connection: `req.sluice`, its transactions and a bare `pg` client all have it. */
export interface Queryable {
  query<Row extends Record<string, unknown>>(text: string, values?: unknown[]): Promise<{ rows: Row[] }>;
}

/** A {@link Queryable} that can also run a function inside a transaction: `req.sluice` is one. */
export interface Transactional extends Queryable {
  transaction<T>(run: (tx: Queryable) => Promise<T>): Promise<T>;
}
