import type { Clock } from '../clock.js';
import { MysqlClient, type MysqlLogin } from './mysql-client.js';
import type { MysqlModule } from './mysql-module.js';
import type { MysqlTarget } from './mysql-target.js';
import { passwordAsker } from './password.js';
import { timeLimit } from './time-limit.js';

/** Whose statement is to be stopped, and the way to its server. */
export interface KillOrder {
  readonly threadId: number;
  readonly login: Omit<MysqlLogin, 'password'>;
}

interface Order extends KillOrder {
  readonly resolve: (delivered: boolean) => void;
}

/** How a connection for orders ended. */
interface Delivery {
  /** There were orders left for it, or there was no connection at all. */
  readonly failed: boolean;
  /** The one that was under way. */
  readonly unanswered: Order | undefined;
}

const CLOSED: Delivery = { failed: true, unanswered: undefined };

/**
 * Stops statements over a connection of its own, for the server hears nothing on one that is at work. There is one such
 * connection at a time and only while there are orders, so that a pool takes at most one beyond its sessions.
 *
 * `KILL QUERY` names a session, not a statement. It is answered when the session has been told, so whoever waits for
 * that and for the end of the statement, and then sends one that does not matter, knows that nothing else is hit.
 */
export class MysqlKiller {
  readonly #mysql: MysqlModule;
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #pool: string;
  #orders: Order[] = [];
  #working = false;

  /** @param limitMs - Bound of each connection, handshake included. */
  constructor(mysql: MysqlModule, pool: string, clock: Clock, limitMs: number) {
    this.#mysql = mysql;
    this.#pool = pool;
    this.#clock = clock;
    this.#limitMs = limitMs;
  }

  /** Resolves to whether the server was told. Never rejects: a cancel is a request, and its caller has a bound. */
  kill(order: KillOrder): Promise<boolean> {
    return new Promise((resolve) => {
      this.#orders.push({ ...order, resolve });
      if (!this.#working) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#working = true;
    for (let first = this.#orders[0]; first !== undefined; first = this.#orders[0]) await this.#serve(first.login);
    this.#working = false;
  }

  /** Serves all orders that go the way of `login`, also those that come meanwhile. */
  async #serve(login: KillOrder['login']): Promise<void> {
    const known = await this.#passwordFor(login.target);
    const next = (): Order | undefined => {
      const index = this.#orders.findIndex((order) => sameWay(order.login, login));
      return index === -1 ? undefined : this.#orders.splice(index, 1)[0];
    };
    const { failed, unanswered } = known === undefined ? CLOSED : await this.#deliver({ ...login, ...known }, next);
    // An order that was sent may have been taken; whoever else waits for this way is told that it is closed.
    unanswered?.resolve(true);
    // Who came while the connection ended in order gets another one.
    if (!failed) return;
    for (let order = next(); order !== undefined; order = next()) order.resolve(false);
  }

  /** Gives one order after the other, until there is none or the connection ends. */
  async #deliver(login: MysqlLogin, next: () => Order | undefined): Promise<Delivery> {
    let current: Order | undefined;
    let failed = true;
    await new Promise<void>((closed) => {
      const client = new MysqlClient(this.#mysql, login, {
        onConnected: () => serveNext(),
        onError: () => client.hangUp(),
        onClosed: () => closed(),
      });
      let limit = timeLimit(this.#clock, this.#limitMs, () => client.hangUp());
      const serveNext = (): void => {
        current = next();
        if (current === undefined) {
          failed = false;
          client.end();
          return;
        }
        limit.cancel();
        limit = timeLimit(this.#clock, this.#limitMs, () => client.hangUp());
        client.connection.query(`KILL QUERY ${current.threadId}`, (error) => {
          // A session that is gone needs no cancel.
          current?.resolve(error === null);
          serveNext();
        });
      };
    });
    return { failed, unanswered: current };
  }

  /** `undefined` when none comes within the bound: then nobody need try. */
  #passwordFor({ password: source }: MysqlTarget): Promise<Pick<MysqlLogin, 'password'> | undefined> {
    if (source === undefined) return Promise.resolve({ password: undefined });
    return new Promise((resolve) => {
      const limit = timeLimit(this.#clock, this.#limitMs, () => resolve(undefined));
      const asked = passwordAsker(this.#pool, source).ask();
      asked
        .then((password) => resolve({ password }))
        .catch(() => resolve(undefined))
        .finally(() => limit.cancel());
    });
  }
}

function sameWay(one: KillOrder['login'], other: KillOrder['login']): boolean {
  return one.target === other.target && JSON.stringify(one.at) === JSON.stringify(other.at);
}
