import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Exchange, SocketPool } from '../../load/socket-pool.js';

let server: Server;
let pool: SocketPool;
let open: Set<Socket>;
let log: string[];
/** Answers the request at the front of the server's line. */
let answers: (() => void)[];

beforeEach(async () => {
  open = new Set();
  log = [];
  answers = [];
  server = createServer((_request, response) => {
    answers.push(() => void response.end('{}'));
  });
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  pool = new SocketPool((server.address() as AddressInfo).port, 2);
});

afterEach(async () => {
  pool.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function send(name: string): Exchange {
  const exchange: Exchange = {
    request: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    onSent: () => log.push(`${name} sent`),
    onAnswer: ({ status }) => log.push(`${name} ${status}`),
    onFailure: (why) => log.push(`${name} ${why}`),
  };
  pool.send(exchange);
  return exchange;
}

describe('SocketPool', () => {
  it('never has more than one request on a socket, and serves the waiting ones in order', async () => {
    for (const name of ['a', 'b', 'c', 'd']) send(name);
    expect(log).toEqual(['a sent', 'b sent']);
    await expect.poll(() => answers.length).toBe(2);
    for (const answer of answers.splice(0)) answer();
    await expect.poll(() => answers.length).toBe(2);
    expect(log.slice(2)).toEqual(['c sent', 'a 200', 'd sent', 'b 200']);
    expect(open.size).toBe(2);
  });

  it('closes what was idle for long and keeps what carries a request', async () => {
    send('a');
    send('b');
    await expect.poll(() => answers.length).toBe(2);
    answers[0]?.();
    await expect.poll(() => log.filter((line) => line.endsWith('200')).length).toBe(1);
    pool.sweep(performance.now() + 2_000);
    send('c');
    await expect.poll(() => answers.length).toBe(3);
    expect(pool.counts).toEqual({ opened: 2, mostAtOnce: 2 });
    answers[2]?.();
    await expect.poll(() => log.filter((line) => line.endsWith('200')).length).toBe(2);

    pool.sweep(performance.now() + 4_000);
    await expect.poll(() => open.size).toBe(1);
    answers[1]?.();
    await expect.poll(() => log.filter((line) => line.endsWith('200')).length).toBe(3);
  });

  it('hangs up on a request that is given up, and hands the place to the next', async () => {
    const first = send('a');
    send('b');
    const third = send('c');
    send('d');
    pool.giveUp(third);
    pool.giveUp(first);
    await expect.poll(() => log).toEqual(['a sent', 'b sent', 'd sent']);
    await expect.poll(() => answers.length).toBeGreaterThanOrEqual(2);
    for (const answer of answers) answer();
    await expect.poll(() => log.slice(3).sort()).toEqual(['b 200', 'd 200']);
  });
});
