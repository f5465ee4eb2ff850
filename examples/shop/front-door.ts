import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Express } from 'express';
import { problemHandler } from 'sluice/express';
import { notReady } from './not-ready.js';

/**
 * Listens from the start, so that whoever asks early hears that the shop is not ready yet, instead of nothing. The
 * shop's own application takes over when it is there.
 */
export class FrontDoor {
  readonly server: Server;
  #answer: RequestListener;

  private constructor() {
    const early = earlyApp();
    this.#answer = early;
    this.server = createServer((req, res) => this.#answer(req, res));
  }

  /** @throws The error of `listen`, for example with code `EADDRINUSE`. */
  static async open(port: number, host: string): Promise<FrontDoor> {
    const door = new FrontDoor();
    door.server.listen({ port, host, backlog: 4_096 });
    await once(door.server, 'listening');
    return door;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Everything that arrives from now on is the application's. */
  lead(app: Express): void {
    this.#answer = app;
  }

  /** Closes it if nobody else has; resolves when it is closed. */
  async close(): Promise<void> {
    if (!this.server.listening) return;
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }
}

/** The process lives; for everything else it is too early. */
function earlyApp(): Express {
  const app = express();
  app.disable('x-powered-by');
  app.get('/healthz', (_req, res) => {
    res.set('Cache-Control', 'no-store').json({ status: 'pass' });
  });
  app.use((_req, _res, next) => next(notReady()));
  app.use(problemHandler());
  return app;
}
