import type { Request, Response } from 'express';
import { protect, routeTable } from 'sluice/express';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { Gate } from '../../../src/admission/gate.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { type Bench, type ServeOptions, serve } from './harness.js';

type Framework = NonNullable<ServeOptions['express']>;

/** An application with one seat for most of its routes, whose handlers all do what a test says. */
export class OneSeat {
  /** What the handlers do. */
  act: (req: Request, res: Response) => unknown = () => undefined;
  #postgres: PostgresServer | undefined;
  #bench: Bench | undefined;

  /** Stands while the tests of the block run in which this is called, and is at rest after each of them. */
  static duringTests(express: Framework): OneSeat {
    const stand = new OneSeat();
    beforeAll(() => stand.#start(express));
    afterEach(async () => {
      await stand.bench.atRest();
      expect(stand.bench.unexpected).toEqual([]);
    });
    afterAll(async () => {
      await stand.#bench?.close();
      await stand.#postgres?.close();
    });
    return stand;
  }

  get bench(): Bench {
    if (this.#bench === undefined) throw new Error('the application stands only while the tests of its block run');
    return this.#bench;
  }

  /** Who has the seat, and who waits for it. */
  get seats(): Gate['bulkhead'] | undefined {
    return this.bench.gateway.entry('one').runtime.gate?.bulkhead;
  }

  async #start(express: Framework): Promise<void> {
    this.#postgres = await startPostgres({ settings: { fsync: 'off' } });
    this.#bench = await serve(
      {
        express,
        url: this.#postgres.url,
        pools: { main: { max: 1 }, other: { max: 1 } },
        routes: {
          one: { pool: 'main', deadlineMs: 10_000 },
          urgent: { pool: 'main', priority: 'critical', deadlineMs: 10_000 },
          elsewhere: { pool: 'other', deadlineMs: 10_000 },
          streamed: { pool: 'main', deadlineMs: 400, stream: true },
          impatient: { pool: 'main', deadlineMs: 400 },
          silent: { pool: 'main', deadlineMs: 400, stream: true },
          kept: { pool: 'main', onDisconnect: 'finish' },
          free: {},
        },
      },
      (app, gateway) => {
        const run = (req: Request, res: Response): unknown => this.act(req, res);
        for (const route of ['one', 'urgent', 'elsewhere', 'streamed', 'impatient', 'silent', 'kept', 'free']) {
          app.get(`/${route}`, protect(gateway, route, {}, run));
        }
        app.get('/bare', protect(gateway, 'one'), run);
        const mounted = express.Router();
        mounted.get('/things/:id', protect(gateway, 'one'), (req, res) => {
          res.json({ id: req.params.id, base: req.baseUrl, route: req.sluice.route });
        });
        app.use('/mounted', mounted);
        const tabled = express.Router();
        tabled.use(
          routeTable(
            gateway,
            { 'GET /orders/:id': 'one', 'ALL /any': { route: 'free' } },
            { router: express.Router() },
          ),
        );
        tabled.get('/orders/:id', (req, res) => res.json({ id: req.params.id, route: req.sluice.route }));
        tabled.all('/any', (req, res) => res.json({ method: req.method, route: req.sluice.route }));
        tabled.get('/open', (req, res) => res.json({ guarded: req.sluice !== undefined }));
        app.use('/table', tabled);
      },
    );
    this.act = async (req, res) => res.json((await req.sluice.query('SELECT 1 AS one')).rows);
    await this.bench.request.get('/one').expect(200);
    await this.bench.request.get('/elsewhere').expect(200);
  }
}
