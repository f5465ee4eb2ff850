import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ErrorRequestHandler, Request, Response } from 'express';
import { createGateway, type Gateway } from 'sluice';
import { problemHandler, protect, routeTable } from 'sluice/express';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AnswerMessage } from '../../../src/telemetry/channels.js';
import { FRAMEWORKS } from '../http/harness.js';
import { RawClient } from '../http/raw-client.js';
import { until } from '../pools/pool-fixture.js';

const ownHandler: ErrorRequestHandler = (_error, _req, res, _next) => res.status(500).json({});
const fails = (): never => {
  throw new Error('of the application');
};

describe.each(FRAMEWORKS)('what is told of answers on %s', (_name, express) => {
  let gateway: Gateway<'work'>;
  let server: Server;
  let app: ReturnType<typeof express>;
  let told: AnswerMessage[];
  const hear = (message: unknown): unknown => told.push(message as AnswerMessage);

  beforeEach(async () => {
    told = [];
    subscribe('sluice:answer', hear);
    gateway = await createGateway({ readinessDelayMs: 0, maxEventLoopLagMs: 0, routes: { work: {} } }, { env: {} });
    app = express();
    // Without it Express prints errors that nobody handles.
    app.set('env', 'test');
    server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    unsubscribe('sluice:answer', hear);
    await gateway.drain({ server, timeoutMs: 0 });
  });

  const port = (): number => (server.address() as AddressInfo).port;
  async function answer(path: string): Promise<[number | undefined, string | undefined]> {
    const { status } = await fetch(`http://127.0.0.1:${port()}${path}`);
    await until(() => told.length === 1);
    const [message] = told.splice(0);
    expect(message?.status).toBe(status);
    return [message?.status, message?.template];
  }

  it.each([
    ['nobody handles it', undefined],
    ['the problem handler passes it on', problemHandler()],
    ['the application handles it', ownHandler],
  ])('the template of a request whose handler throws, where %s', async (_what, last) => {
    app.get('/x/:id', protect(gateway, 'work'), fails);
    app.use('/:tenant', express.Router().get('/orders/:id', protect(gateway, 'work'), fails));
    if (last !== undefined) app.use(last);
    expect(await answer('/x/7')).toEqual([500, '/x/:id']);
    // What was mounted may hold anything, and is still left out when the error has left it.
    expect(await answer('/acme/orders/7')).toEqual([500, undefined]);
  });

  it('the template of the row, where a table guards, or the route behind it', async () => {
    app.use(routeTable(gateway, { 'GET /x/:row': 'work' }));
    app.get('/x/fails', fails);
    app.get('/x/:id', (_req, res) => res.json({}));
    expect(await answer('/x/7')).toEqual([200, '/x/:id']);
    expect(await answer('/x/fails')).toEqual([500, '/x/:row']);
  });

  it.each([
    ['given to the guard', true],
    ['behind the guard', false],
  ])('499 of a client that left during its body, the parser %s', async (_what, given) => {
    const parse = express.json();
    const done = (_req: Request, res: Response): unknown => res.json({});
    if (given) app.post('/body', protect(gateway, 'work', { body: parse }), done);
    else app.post('/body', protect(gateway, 'work'), parse, done);
    app.use(problemHandler());
    const { stats } = gateway.entry('work').runtime;
    for (const leave of ['destroy', 'resetAndDestroy'] as const) {
      const client = await RawClient.sends(port(), 'POST', '/body', {
        'Content-Type': 'application/json',
        'Content-Length': '10',
      });
      client.write('{');
      await until(() => (given ? stats.undecided : stats.inFlight) === 1);
      client.socket[leave]();
      await until(() => told.length === 1);
      expect(told.splice(0)).toMatchObject([{ method: 'POST', status: 499, template: '/body' }]);
      await until(() => stats.undecided + stats.inFlight === 0);
    }
    expect(Array.from(stats.http, ({ status, times }) => [status, times.count])).toEqual([[499, 2]]);
    expect(given ? stats.abandonedBeforeAdmission : stats.outcomes.abandoned).toBe(2);
  });

  it('400 of a body that cannot be parsed, whose client is there', async () => {
    app.post('/body', protect(gateway, 'work', { body: express.json() }), (_req, res) => res.json({}));
    app.use(problemHandler());
    const headers = { 'Content-Type': 'application/json' };
    const { status } = await fetch(`http://127.0.0.1:${port()}/body`, { method: 'POST', headers, body: '{"a' });
    expect([status, told[0]?.status]).toEqual([400, 400]);
  });
});
