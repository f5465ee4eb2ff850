import type { Clock } from '../clock.js';
import { MysqlClient, type MysqlLogin } from './mysql-client.js';
import type { MysqlModule } from './mysql-module.js';
import type { MysqlTarget } from './mysql-target.js';
import { passwordAsker } from './password.js';
import { timeLimit } from './time-limit.js';

/** Who is to be stopped. */
export interface Victim {
  /** Its server answers, whatever time it takes to stop the statement. */
  onServerAnswers(): void;
  /** The way to its server leads to another one: nobody can stop the statement. */
  onElsewhere(): void;
}

/** Whose statement is to be stopped, and the way to its server. */
export interface KillOrder {
  readonly threadId: number;
  readonly login: Omit<MysqlLogin, 'password'>;
  /** The text that asks a server for its name, and what it answered to the session. */
  readonly server: { readonly text: string; readonly name: string };
  readonly victim: Victim;
}

interface Order extends KillOrder {
  readonly resolve: (delivered: boolean) => void;
}

/** How a connection for orders ended. */
interface Delivery {
  /** There were orders left for it, or there was no connection at all. */
  readonly failed: boolean;
  /** It was one to another server. */
  readonly elsewhere: boolean;
  /** The one that was under way. */
  readonly unanswered: Order | undefined;
}

const CLOSED: Delivery = { failed: true, elsewhere: false, unanswered: undefined };
/** Connections that are tried where one led to another server: those who balance take turns. */
const TRIES = 3;
/** MariaDB tries for two seconds to wake up who sleeps, and answers then. */
const ANSWER_LIMIT_MS = 5_000;

/** What a killer needs to know. */
export interface KillerOptions {
  readonly pool: string;
  readonly clock: Clock;
  /** Bound of a way to a connection: the password, the handshake, the name of the server. */
  readonly limitMs: number;
  /** Something to log, with a stable code. */
  readonly warn: (code: string, message: string) => void;
}

/**
 * Stops statements over a connection of its own, for the server hears nothing on one that is at work. There is one such
 * connection at a time and only while there are orders, so that a pool takes at most one beyond its sessions.
 *
 * `KILL QUERY` names a session, not a statement. It is answered when the session has been told, so whoever waits for
 * that and for the end of the statement, and then sends one that does not matter, knows that nothing else is hit.
 */
export class MysqlKiller {
  readonly #mysql: MysqlModule;
  readonly #options: KillerOptions;
  #orders: Order[] = [];
  #working = false;
  #told = false;
  /** The server has answered, and is at work on an order. */
  #heard = false;

  constructor(mysql: MysqlModule, options: KillerOptions) {
    this.#mysql = mysql;
    this.#options = options;
  }

  /** Resolves to whether the server was told. Never rejects: a cancel is a request, and its caller has a bound. */
  kill(order: KillOrder): Promise<boolean> {
    return new Promise((resolve) => {
      this.#orders.push({ ...order, resolve });
      if (this.#heard) order.victim.onServerAnswers();
      if (!this.#working) void this.#work();
    });
  }

  /** Takes back what was not sent yet: the statement has ended by itself. */
  withdraw(victim: Victim): void {
    const withdrawn = this.#orders.filter((order) => order.victim === victim);
    if (withdrawn.length === 0) return;
    this.#orders = this.#orders.filter((order) => order.victim !== victim);
    for (const { resolve } of withdrawn) resolve(false);
  }

  async #work(): Promise<void> {
    this.#working = true;
    for (let first = this.#orders[0]; first !== undefined; first = this.#orders[0]) await this.#serve(first);
    this.#working = false;
  }

  /** Serves all orders that go the way of `first`, also those that come meanwhile. */
  async #serve(first: Order): Promise<void> {
    const { login } = first;
    const known = await this.#passwordFor(login.target);
    const next = (): Order | undefined => {
      const index = this.#orders.findIndex((order) => sameWay(order, first));
      return index === -1 ? undefined : this.#orders.splice(index, 1)[0];
    };
    let delivery = CLOSED;
    for (let tries = TRIES; known !== undefined && tries > 0; tries -= 1) {
      delivery = await this.#deliver({ ...login, ...known }, first.server, next);
      if (!delivery.elsewhere) break;
    }
    const { failed, elsewhere, unanswered } = delivery;
    // An order that was sent may have been taken; whoever else waits for this way is told that it is closed.
    unanswered?.resolve(true);
    // Who came while the connection ended in order gets another one.
    if (!failed) return;
    if (elsewhere) this.#tellElsewhere();
    for (let order = next(); order !== undefined; order = next()) {
      order.resolve(false);
      if (elsewhere) order.victim.onElsewhere();
    }
  }

  #tellElsewhere(): void {
    if (this.#told) return;
    this.#told = true;
    this.#options.warn(
      'database_cancel_elsewhere',
      `what stops statements of pool "${this.#options.pool}" is led to another server than its sessions, so none is ` +
        'stopped there: their sessions are ended instead; let the url lead to one server, or the balancer by source',
    );
  }

  /** Gives one order after the other, until there is none or the connection ends; none to another server. */
  async #deliver(login: MysqlLogin, server: Order['server'], next: () => Order | undefined): Promise<Delivery> {
    const { clock, limitMs } = this.#options;
    let current: Order | undefined;
    let failed = true;
    let elsewhere = false;
    await new Promise<void>((closed) => {
      let limit = timeLimit(clock, limitMs, () => client.hangUp());
      const client = new MysqlClient(this.#mysql, login, {
        onConnected: () => askName(),
        onError: () => client.hangUp(),
        onClosed: () => {
          limit.cancel();
          this.#heard = false;
          closed();
        },
      });
      const askName = (): void => {
        client.connection.query(`SELECT ${server.text} AS name`, (error, rows) => {
          if (error !== null) client.hangUp();
          else if (nameIn(rows) === server.name) serveNext();
          else {
            elsewhere = true;
            client.end();
          }
        });
      };
      const serveNext = (): void => {
        current = next();
        limit.cancel();
        if (current === undefined) {
          failed = false;
          limit = timeLimit(clock, limitMs, () => client.hangUp());
          client.end();
          return;
        }
        this.#heard = true;
        for (const { victim } of [current, ...this.#orders]) victim.onServerAnswers();
        limit = timeLimit(clock, ANSWER_LIMIT_MS, () => client.hangUp());
        client.connection.query(`KILL QUERY ${current.threadId}`, (error) => {
          // A session that is gone needs no cancel.
          current?.resolve(error === null);
          serveNext();
        });
      };
    });
    return { failed, elsewhere, unanswered: current };
  }

  /** `undefined` when none comes within the bound: then nobody need try. */
  #passwordFor({ password: source }: MysqlTarget): Promise<Pick<MysqlLogin, 'password'> | undefined> {
    if (source === undefined) return Promise.resolve({ password: undefined });
    return new Promise((resolve) => {
      const limit = timeLimit(this.#options.clock, this.#options.limitMs, () => resolve(undefined));
      const asked = passwordAsker(this.#options.pool, source).ask();
      asked
        .then((password) => resolve({ password }))
        .catch(() => resolve(undefined))
        .finally(() => limit.cancel());
    });
  }
}

function sameWay(one: KillOrder, other: KillOrder): boolean {
  const { login, server } = one;
  if (login.target !== other.login.target || server.name !== other.server.name) return false;
  return JSON.stringify(login.at) === JSON.stringify(other.login.at);
}

function nameIn(rows: unknown): string | undefined {
  const [row] = rows as readonly { readonly name: unknown }[];
  return row === undefined ? undefined : String(row.name);
}
