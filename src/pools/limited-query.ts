import pg from 'pg';

/** What the driver's query is made of, as far as it matters here; its types declare none of it. */
interface DriverQuery extends pg.Submittable {
  prepare(connection: DriverConnection): void;
  handleDataRow(message: unknown): void;
  handleCommandComplete(message: unknown, connection: DriverConnection): void;
}

interface DriverConnection {
  parse(message: { readonly text: string }): void;
  bind(message: object): void;
  execute(message: object): void;
}

type Done = (error: Error | null | undefined, result: unknown) => void;

const Query = pg.Query as unknown as new (text: string, values: readonly unknown[], done: Done) => DriverQuery;

/**
 * A statement with parameters, and before it one that sets limits. Both go to the server in one piece: up to the end of
 * such a pipeline all of it is one transaction, so a limit that is local to it holds for the second and for nothing
 * later.
 *
 * Protocol: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING
 */
export class LimitedQuery extends Query {
  readonly #limits: string;
  #limitsSet = false;

  constructor(limits: string, text: string, values: readonly unknown[], done: Done) {
    super(text, values, done);
    this.#limits = limits;
  }

  override prepare(connection: DriverConnection): void {
    connection.parse({ text: this.#limits });
    connection.bind({});
    connection.execute({});
    super.prepare(connection);
  }

  override handleDataRow(message: unknown): void {
    if (this.#limitsSet) super.handleDataRow(message);
  }

  override handleCommandComplete(message: unknown, connection: DriverConnection): void {
    if (this.#limitsSet) super.handleCommandComplete(message, connection);
    else this.#limitsSet = true;
  }
}
