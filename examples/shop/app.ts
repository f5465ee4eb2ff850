import express, { type Express } from 'express';
import { createGateway, type Gateway, type Logger } from 'sluice';
import { HttpProblem, health, metrics, operations, problemHandler } from 'sluice/express';
import { queriesFor, type ShopQueries } from './dialect.js';
import { notReady } from './not-ready.js';
import { shopPolicy } from './policy.js';
import { Preparation } from './preparation.js';
import { addRoutes, type Work } from './routes.js';

/** How {@link createShop} builds the shop. */
export interface ShopOptions extends Partial<Work> {
  /** A database of PostgreSQL, MySQL or MariaDB that is empty, or the shop's already. */
  readonly databaseUrl: string;
  /** Where `SLUICE_` variables are read from. Default: none. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly logger?: Logger;
  /** Hears what an operator should know about the start. Default: nobody. */
  readonly log?: (line: string) => void;
}

/** A shop that is ready to be listened to. */
export interface Shop {
  readonly app: Express;
  readonly gateway: Gateway;
  /** Rejects when a database that came late turns out not to be usable; otherwise stays open. */
  readonly refused: Promise<never>;
  /** Stops preparing and drains; resolves when every connection is closed. */
  close(...drain: Parameters<Gateway['drain']>): Promise<void>;
}

/**
 * Prepares the database and builds the application behind its gateway. A database that cannot be reached yet is no
 * reason to fail: the shop answers 503 until it can.
 *
 * @throws DatabaseRefused for a database that cannot become the shop's, ConfigError for mistakes in `env`.
 */
export async function createShop(options: ShopOptions): Promise<Shop> {
  const { databaseUrl, env = {}, logger, log = () => undefined, checkoutWorkMs = 0, reportWorkMs = 0 } = options;
  const preparation = await Preparation.start(databaseUrl, log);
  try {
    const gateway = await createGateway(shopPolicy(databaseUrl), { env, ...(logger === undefined ? {} : { logger }) });
    return {
      app: createApp(gateway, preparation, queriesFor(databaseUrl), { checkoutWorkMs, reportWorkMs }),
      gateway,
      refused: preparation.refused,
      close: async (...drain) => {
        await preparation.close();
        await gateway.drain(...drain);
      },
    };
  } catch (error) {
    await preparation.close();
    throw error;
  }
}

function createApp(gateway: Gateway, preparation: Preparation, shop: ShopQueries, work: Work): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.get('/readyz', (_req, _res, next) => next(preparation.ready ? undefined : notReady()));
  app.use(health(gateway));
  app.get('/metrics', metrics(gateway));
  app.use('/sluice', operations(gateway, { authorize: () => true }));
  app.use((_req, _res, next) => next(preparation.ready ? undefined : notReady()));
  addRoutes(app, gateway, work, shop);
  app.use(() => {
    throw new HttpProblem(404, 'There is nothing at this path for this method.');
  });
  app.use(problemHandler({ catchAll: true }));
  return app;
}
