import { afterAll, beforeAll } from 'vitest';
import { type PostgresServer, startPostgres } from '../support/postgres.js';
import { type FaultApp, type FaultAppOptions, startFaultApp } from './fault-app.js';

/** An application on a server of its own, while the tests of a block run; not before. */
export interface StandingApp {
  readonly app: FaultApp;
  /** Leads to the server. */
  readonly url: string;
}

/** Starts an application before the tests of the block that this is called in, and ends it after them. */
export function standingApp(
  options: Omit<FaultAppOptions, 'url'>,
  build: Parameters<typeof startFaultApp>[1],
): StandingApp {
  let postgres: PostgresServer | undefined;
  let app: FaultApp | undefined;
  beforeAll(async () => {
    postgres = await startPostgres({ settings: { fsync: 'off' } });
    app = await startFaultApp({ ...options, url: postgres.url }, build);
  });
  afterAll(async () => {
    await app?.close();
    await postgres?.close();
  });
  return {
    get app() {
      if (app === undefined) throw new Error('the application stands only while the tests of its block run');
      return app;
    },
    get url() {
      if (postgres === undefined) throw new Error('the server stands only while the tests of its block run');
      return postgres.url;
    },
  };
}
