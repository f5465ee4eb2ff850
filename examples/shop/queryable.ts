/** What became of a statement. */
export interface Answer<Row> {
  readonly rows: Row[];
  /** Rows returned or changed. */
  readonly rowCount: number | null;
  /** The number that a new row got; MySQL only. */
  readonly insertId?: number;
}

/** What the shop's SQL needs of a connection: `req.sluice`, its transactions and a bare `pg` client all have it. */
export interface Queryable {
  query<Row extends Record<string, unknown>>(text: string, values?: unknown[]): Promise<Answer<Row>>;
}

/** A {@link Queryable} that can also run a function inside a transaction: `req.sluice` is one. */
export interface Transactional extends Queryable {
  transaction<T>(run: (tx: Queryable) => Promise<T>): Promise<T>;
}
