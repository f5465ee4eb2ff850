import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { Connection } from '../../src/pools/contract.js';
import type { ContractServer, Dialect, Engine, TestedPool, TestedPoolOptions } from './engine.js';
import { Relay } from './relay.js';
import { FOREVER, run, until } from './support.js';

/** Where the tests of the suite work: one server for all of them, and whatever they open is closed behind them. */
export class Bench {
  readonly #engine: Engine;
  #server: ContractServer | undefined;
  readonly #pools: TestedPool[] = [];
  readonly #relays: Relay[] = [];

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Starts the server before the tests of the `describe` that this is called in, and ends it after them. */
  arrange(): void {
    beforeAll(async () => {
      this.#server = await this.#engine.start();
    });
    afterEach(() => this.#clear());
    afterAll(() => this.#server?.close());
  }

  get server(): ContractServer {
    if (this.#server === undefined) throw new Error('the server is there only while a test runs');
    return this.#server;
  }

  get sql(): Dialect {
    return this.#engine.sql;
  }

  /** Whether a requirement cannot hold as it stands on this engine, so that its test asks for the most that can. */
  isLesser(id: string): boolean {
    return this.#engine.lesserHere.includes(id);
  }

  /** A test of these requirements. */
  test(ids: string, title: string, body: () => Promise<void>, limitMs = 30_000): void {
    it(`${ids}: ${title}`, { timeout: limitMs }, body);
  }

  open(options: TestedPoolOptions = {}): TestedPool {
    const made = this.server.makePool(options);
    this.#pools.push(made);
    return made;
  }

  async relay(): Promise<Relay> {
    const relay = await Relay.to(this.server.address);
    this.#relays.push(relay);
    return relay;
  }

  /** So many connections at once. */
  take({ pool }: TestedPool, count: number): Promise<Connection[]> {
    return Promise.all(Array.from({ length: count }, () => pool.acquire(FOREVER)));
  }

  /** The server's name for the session behind a connection. */
  async sessionOf(connection: Connection): Promise<string> {
    const { rows } = await run<{ id: unknown }>(connection, this.sql.sessionId);
    return String(rows[0]?.id);
  }

  /** The one value of a statement with one row and the column `value`. */
  async value(connection: Connection, text: string): Promise<unknown> {
    const { rows } = await run<{ value: unknown }>(connection, text);
    return rows[0]?.value;
  }

  /** Nothing is lent, nobody waits, and once the pools are closed the server knows of no session of theirs. */
  async #clear(): Promise<void> {
    const pools = this.#pools.splice(0);
    const left = pools.map(({ pool }) => pool.gauges());
    for (const { pool, sessions } of pools) {
      // A session that was lost may be there a little longer than its socket here.
      await until(async () => (await sessions()).length <= pool.max, 3_000);
    }
    const closed = Promise.all(pools.map(({ pool }) => pool.close(0)));
    for (const relay of this.#relays.splice(0)) await relay.close();
    await closed;
    await until(async () => (await Promise.all(pools.map(({ sessions }) => sessions()))).flat().length === 0);
    for (const gauges of left) expect(gauges).toMatchObject({ inUse: 0, acquiring: 0 });
  }
}
