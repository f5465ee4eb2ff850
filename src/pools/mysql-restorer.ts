import type { QueryResult } from './contract.js';
import { maySetRole, mayUseDatabase } from './mysql-natures.js';
import type { MysqlStart } from './mysql-setup.js';
import type { MysqlWire } from './mysql-wire.js';
import { answered } from './statement-wire.js';

/**
 * Puts the state of a session back to what it was at the start. The server's own reset does nearly all of it: variables,
 * temporary tables, locks, prepared statements, an open transaction. It leaves the database and the role, which are put
 * back only where a statement may have changed them, and takes away what {@link MysqlStart.setup} had set.
 */
export class MysqlRestorer {
  readonly #wire: MysqlWire;
  readonly #start: MysqlStart;
  readonly #database: string | undefined;
  #moved = false;
  #inRole = false;

  constructor(wire: MysqlWire, start: MysqlStart, database: string | undefined) {
    this.#wire = wire;
    this.#start = start;
    this.#database = database;
  }

  /** A statement that leaves a trace is sent. */
  note(text: string): void {
    this.#moved ||= mayUseDatabase(text);
    this.#inRole ||= maySetRole(text);
  }

  /** @throws When it cannot be put back: the session is of no use then. */
  async restore(): Promise<void> {
    await answered((answer) => this.#wire.reset(answer));
    await this.#run(this.#start.setup);
    if (this.#moved) await this.#run(`USE ${quoted(this.#database)}`);
    if (this.#inRole) await this.#run(this.#ownRole);
    this.#moved = false;
    this.#inRole = false;
  }

  /** Whether the server takes no writes. */
  async isReadOnly(): Promise<boolean> {
    const { rows } = await this.#run('SELECT @@global.read_only OR @@innodb_read_only AS readOnly');
    const [row] = rows as readonly { readonly readOnly: number }[];
    return row?.readOnly === 1;
  }

  get #ownRole(): string {
    const { flavour, role } = this.#start;
    if (flavour.kind === 'MySQL') return 'SET ROLE DEFAULT';
    return role === undefined ? 'SET ROLE NONE' : `SET ROLE ${quoted(role)}`;
  }

  #run(text: string): Promise<QueryResult<never>> {
    return answered((answer) => this.#wire.send(text, undefined, answer));
  }
}

function quoted(name: string | undefined): string {
  if (name === undefined) throw new Error('a session that had no database cannot be left without one again');
  return `\`${name.replaceAll('`', '``')}\``;
}
