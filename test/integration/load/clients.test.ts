import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { ClientsPlan, ClientsResult } from '../../load/clients/plan.js';
import { runClients } from '../../load/clients/run-clients.js';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function crowd(listener: RequestListener, change: Partial<ClientsPlan> = {}): Promise<ClientsResult> {
  const server = createServer({ keepAliveTimeout: 60_000 }, listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return runClients({
    port,
    seed: 1,
    clients: 20,
    thinkMs: 5,
    rampUpMs: 50,
    steadyMs: 150,
    rampDownMs: 50,
    unansweredAfterMs: 500,
    requests: [
      { name: 'read', method: 'GET', path: '/read', weight: 3 },
      { name: 'write', method: 'POST', path: '/write', body: '{"n":{{int 1 9}}}', weight: 1 },
    ],
    ...change,
  });
}

const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0);

it('each client keeps its one connection, and leaves with its last answer', async () => {
  const bodies: string[] = [];
  const result = await crowd((req, res) => {
    req.setEncoding('utf8').on('data', (text: string) => bodies.push(text));
    req.on('end', () => res.end('ok'));
  });
  expect([result.connectionsOpened, result.mostConnections]).toEqual([20, 20]);
  expect([result.connectFailures, result.closedIdle]).toEqual([0, 0]);
  for (const { sent, statuses, latency, unanswered } of result.tallies) {
    expect([statuses['200'] ?? 0, latency.count, sum(unanswered)]).toEqual([sent, sent, 0]);
  }
  const sent = (name: string): number =>
    result.tallies.reduce((all, one) => all + (one.name === name ? one.sent : 0), 0);
  expect(sent('read')).toBeGreaterThan(2 * sent('write'));
  expect(bodies).toHaveLength(sent('write'));
  expect(bodies[0]).toMatch(/^\{"n":[1-9]\}$/);
  for (const phase of ['rampUp', 'steady', 'rampDown'])
    expect(result.tallies.some((one) => one.phase === phase && one.sent > 0)).toBe(true);
});

it('a request whose connection breaks, or that nobody answers, counts as unanswered, and its client goes on', async () => {
  let seen = 0;
  const result = await crowd(
    (req, res) => {
      seen += 1;
      if (seen % 5 === 0) req.socket.destroy();
      else if (seen % 7 !== 0) res.writeHead(503, { 'content-length': 0 }).end();
    },
    { unansweredAfterMs: 30 },
  );
  const total = { sent: 0, refused: 0, reset: 0, timeout: 0 };
  for (const { sent, statuses, unanswered } of result.tallies) {
    total.sent += sent;
    total.refused += statuses['503'] ?? 0;
    total.reset += unanswered.reset ?? 0;
    total.timeout += unanswered.timeout ?? 0;
  }
  expect(total.sent).toBe(seen);
  expect(total.refused + total.reset + total.timeout).toBe(seen);
  // On a busy machine the client may have given up before its connection broke.
  expect(total.reset).toBeGreaterThan(0);
  expect(total.reset).toBeLessThanOrEqual(Math.floor(seen / 5));
  expect(total.timeout).toBeGreaterThan(0);
  expect(result.connectionsOpened).toBeGreaterThan(20);
});

it('a connection that the server closes between two requests is made again, and nothing is lost', async () => {
  const result = await crowd(
    (_, res) => {
      res.end('ok');
      // Not with this answer, which says that the connection stays.
      const { socket } = res;
      if (socket !== null) setTimeout(() => socket.end(), 2).unref();
    },
    { thinkMs: 40 },
  );
  expect(result.closedIdle).toBeGreaterThan(0);
  const answered = result.tallies.reduce((all, { statuses }) => all + sum(statuses), 0);
  expect(answered).toBeGreaterThan(20);
});
