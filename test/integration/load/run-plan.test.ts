import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { LoadPlan, StreamPlan, StreamResult } from '../../load/plan.js';
import { runPlan } from '../../load/run-plan.js';

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(listener: RequestListener): Promise<{ port: number; sockets: Set<Socket> }> {
  const server = createServer(listener);
  servers.push(server);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, sockets };
}

function planOf(port: number, stream: Partial<StreamPlan>, plan: Partial<LoadPlan> = {}): LoadPlan {
  const whole: StreamPlan = {
    name: 'checkout',
    method: 'POST',
    path: '/checkout',
    body: '{"sku":{{int 1 9}}}',
    arrivals: { kind: 'uniform', ratePerSecond: 200 },
    deadlineMs: 100,
    unansweredAfterMs: 250,
    ...stream,
  };
  return { port, seed: 1, warmUpMs: 100, measureMs: 400, coolDownMs: 50, streams: [whole], ...plan };
}

async function run(plan: LoadPlan): Promise<StreamResult> {
  const [result] = (await runPlan(plan)).streams;
  if (result === undefined) throw new Error('no result');
  return result;
}

describe('runPlan, open loop', () => {
  it('offers its rate, sends whole requests and reads whole answers over few sockets', async () => {
    const bodies = new Set<string>();
    const { port, sockets } = await serve((request, response) => {
      let body = '';
      request.on('data', (text) => {
        body += text;
      });
      request.on('end', () => {
        bodies.add(body);
        response.writeHead(201).end('{"orderId":1}');
      });
    });
    const result = await run(planOf(port, {}));
    expect(result.offered).toBe(80);
    expect(result.good).toBeGreaterThan(70);
    expect(result.statuses).toEqual({ 201: result.completed });
    expect(result.unanswered).toBe(0);
    expect([...bodies].every((body) => /^\{"sku":[1-9]\}$/.test(body))).toBe(true);
    expect(sockets.size).toBeLessThan(20);
  });

  it('measures from the intended send time, so that a backlog hides nothing', async () => {
    const { port } = await serve((_request, response) => {
      setTimeout(() => response.end('{}'), 20);
    });
    // One socket serves 50/s, 100/s are offered: each answer takes 20 ms, and the last ones are late by 200 and more.
    const bounds = { maxSockets: 1, warmUpMs: 0, measureMs: 500 };
    const arrivals = { kind: 'uniform', ratePerSecond: 100 } as const;
    const result = await run(planOf(port, { arrivals, unansweredAfterMs: 5_000 }, bounds));
    expect(result.okLatency.p50Ms).toBeGreaterThan(80);
    expect(result.okLatency.maxMs).toBeGreaterThan(200);
    expect(result.sendLag.maxMs).toBeGreaterThan(180);
    expect(result.good).toBeLessThan(result.completed);
    expect(result.unanswered).toBe(0);
  });

  it('counts what waits for a socket on the request’s own time', async () => {
    const { port } = await serve((_request, response) => {
      setTimeout(() => response.end('{}'), 50);
    });
    // One socket at 50 ms a request serves 20/s; 200/s are offered.
    const whole = await runPlan(planOf(port, {}, { maxSockets: 1 }));
    expect(whole.socketsAtOnce).toBe(1);
    const [result] = whole.streams;
    if (result === undefined) throw new Error('no result');
    expect(result.offered).toBe(80);
    expect(result.unansweredBy.timeout).toBeGreaterThan(50);
    expect(result.completed).toBeLessThan(10);
  });

  it('reports refusals with their codes', async () => {
    const { port } = await serve((_request, response) => {
      response.writeHead(503, { 'content-type': 'application/problem+json' });
      response.end('{"status":503,"code":"queue_full"}');
    });
    const result = await run(planOf(port, { keepEvents: true }));
    expect(result.good).toBe(0);
    expect(result.codes).toEqual({ queue_full: result.completed });
    expect(result.refusedLatency.count).toBe(result.completed);
    expect(result.events?.code.every((code) => code === 'queue_full')).toBe(true);
  });

  it('hangs up on a request without an answer, and tells timeouts, resets and refusals to connect apart', async () => {
    let closed = 0;
    let closedWhileSending = 0;
    const silent = await serve((request) => {
      closedWhileSending = closed;
      request.socket.on('close', () => {
        closed += 1;
      });
    });
    const timeouts = await run(planOf(silent.port, {}));
    expect(timeouts.unansweredBy).toEqual({ timeout: timeouts.offered, reset: 0, refused: 0 });
    // 550 ms of requests, each given up after 250 ms.
    expect(closedWhileSending).toBeGreaterThan(30);

    const rude = await serve((request) => request.socket.destroy());
    const resets = await run(planOf(rude.port, {}));
    expect(resets.unansweredBy).toEqual({ timeout: 0, reset: resets.offered, refused: 0 });

    const gone = await serve(() => undefined);
    await new Promise((resolve) => servers.pop()?.close(resolve));
    const refused = await run(planOf(gone.port, {}));
    expect(refused.unansweredBy).toEqual({ timeout: 0, reset: 0, refused: refused.offered });
  });

  it('stops at its bound on requests', async () => {
    let served = 0;
    const { port } = await serve((_request, response) => {
      served += 1;
      response.end('{}');
    });
    await run(planOf(port, {}, { maxRequests: 25 }));
    expect(served).toBe(25);
  });
});

describe('runPlan, closed loop', () => {
  it('keeps exactly so many requests on their way', async () => {
    let inFlight = 0;
    let most = 0;
    let served = 0;
    const { port } = await serve((_request, response) => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      served += 1;
      setTimeout(() => {
        inFlight -= 1;
        response.end('{}');
      }, 5);
    });
    const result = await run(planOf(port, { arrivals: { kind: 'closed', callers: 7 } }));
    expect(most).toBe(7);
    expect(result.completed).toBeGreaterThan(100);
    expect(served).toBeGreaterThanOrEqual(result.completed);
  });

  it('goes on when the server breaks connections', async () => {
    let served = 0;
    const { port } = await serve((request, response) => {
      served += 1;
      if (served % 10 === 0) request.socket.destroy();
      else response.end('{}');
    });
    const result = await run(planOf(port, { arrivals: { kind: 'closed', callers: 3 } }));
    expect(result.unansweredBy.reset).toBeGreaterThan(2);
    expect(result.completed).toBeGreaterThan(20);
  });
});

describe('runPlan, bounds', () => {
  it('names every mistake of a plan', () => {
    const plan = planOf(0, { arrivals: { kind: 'closed', callers: 0 }, unansweredAfterMs: 1 }, { measureMs: 0 });
    expect(() => runPlan(plan)).toThrow(/port.*measureMs.*callers.*unansweredAfterMs/);
  });

  it('ends at once when it is aborted', async () => {
    const { port, sockets } = await serve((_request, response) => void response.end('{}'));
    const abort = new AbortController();
    const running = runPlan(planOf(port, {}, { measureMs: 60_000 }), abort.signal);
    await expect.poll(() => sockets.size).toBeGreaterThan(0);
    abort.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
  });
});
