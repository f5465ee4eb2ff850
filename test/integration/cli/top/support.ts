import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { operations, problemHandler, protect } from '../../../../middleware/index.js';
import type { ScreenUser, Terminal } from '../../../../src/cli/terminal.js';
import { createGateway, type Gateway } from '../../../../src/gateway.js';
import { silentLogger } from '../../../../src/telemetry/log.js';

/** An application behind a gateway, with its operations router. */
export class WatchedApp {
  readonly gateway: Gateway;
  readonly #server: Server;

  private constructor(gateway: Gateway, server: Server) {
    this.gateway = gateway;
    this.#server = server;
  }

  /** @param key - What operators have to bring along. Absent: nothing. */
  static async start(key?: string): Promise<WatchedApp> {
    const gateway = await createGateway(
      {
        routes: {
          search: { concurrency: 4, deadlineMs: 1_000 },
          checkout: { concurrency: 4, priority: 'critical', ratePerSecond: 0.001, burst: 3 },
        },
      },
      { env: {}, logger: silentLogger },
    );
    const app = express();
    app.get('/search', protect(gateway, 'search'), (_req, res) => void res.json({}));
    app.get('/checkout', protect(gateway, 'checkout'), (_req, res) => void res.json({}));
    app.use('/sluice', operations(gateway, { authorize: (req) => key === undefined || req.get('x-key') === key }));
    app.use(problemHandler());
    const server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new WatchedApp(gateway, server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Calls a path so many times, one after the other. */
  async call(path: string, times: number): Promise<void> {
    for (let n = 0; n < times; n += 1) await (await fetch(`${this.url}${path}`)).arrayBuffer();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await this.gateway.drain({ timeoutMs: 0 });
  }
}

/** A screen that keeps what is drawn on it, with keys that can be pressed. */
export class RecordedTerminal implements Terminal {
  readonly columns: number;
  readonly rows: number;
  readonly screens: string[] = [];
  taken = false;
  #user: ScreenUser | undefined;
  #waiting: { readonly wanted: RegExp; readonly done: (screen: string) => void }[] = [];

  constructor(columns = 120, rows = 30) {
    this.columns = columns;
    this.rows = rows;
  }

  draw(lines: readonly string[]): void {
    const screen = lines.join('\n');
    this.screens.push(screen);
    const met = this.#waiting.filter(({ wanted }) => wanted.test(screen));
    this.#waiting = this.#waiting.filter((each) => !met.includes(each));
    for (const { done } of met) done(screen);
  }

  take(user: ScreenUser): () => void {
    this.taken = true;
    this.#user = user;
    return () => {
      this.taken = false;
    };
  }

  press(key: string): void {
    this.#user?.onKey(key);
  }

  signal(): void {
    this.#user?.onEnd();
  }

  /** The next screen that has what is wanted, or the one that is shown. */
  shows(wanted: RegExp): Promise<string> {
    const shown = this.screens.at(-1);
    if (shown !== undefined && wanted.test(shown)) return Promise.resolve(shown);
    return new Promise((done) => this.#waiting.push({ wanted, done }));
  }
}
