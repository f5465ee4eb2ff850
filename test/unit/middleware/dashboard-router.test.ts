import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import { type AddressInfo, connect, type Socket } from 'node:net';
import express5 from 'express';
import { createGateway, type Gateway } from 'sluice';
import { metrics, type OperationsOptions, operations } from 'sluice/express';
import supertest from 'supertest';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from '../../integration/pools/pool-fixture.js';
import { closeAll, listen, nextEvent, open, serve, warned, warnedCodes } from './dashboard-serve.js';

const express4 = createRequire(import.meta.url)('express4') as typeof express5;

afterEach(closeAll);

describe('who may look', () => {
  test.each<[what: string, options: object]>([
    ['nothing', {}],
    ['public: false', { public: false }],
    ['authorize that is no function', { authorize: true }],
    ['both', { authorize: () => true, public: true }],
    ['changes by everybody', { public: true, allowChanges: true }],
    ['allowChanges that is neither true nor false', { authorize: () => true, allowChanges: 'yes' }],
    ['an option that it does not have', { authorize: () => true, allowChange: true }],
    ['allowChanges of null', { authorize: () => true, allowChanges: null }],
  ])('is asked for at the mount: %s is refused', async (_, options) => {
    const gateway = await createGateway({ routes: { checkout: {} } }, { env: {} });
    open.push(() => gateway.drain({ timeoutMs: 0 }));
    expect(() => operations(gateway, options as OperationsOptions)).toThrow(
      /operations\(\) (needs|has) |no option of operations\(\): use "allowChanges"/,
    );
  });

  test('may be said in so many words: authorize and public: false', async () => {
    const { server } = await serve({ authorize: () => true, public: false });
    expect((await supertest(server).get('/ops/config.json')).status).toBe(200);
  });

  test.each([
    ['undefined', undefined],
    ['null', null],
    ['a promise: await it', Promise.resolve()],
  ])('needs a gateway at the mount, and not %s', (found, given) => {
    const gateway = given as unknown as Gateway;
    const message = (name: string): string =>
      `${name}() needs the gateway that createGateway() resolves with, and got ${found}`;
    expect(() => operations(gateway, { public: true })).toThrow(new TypeError(message('operations')));
    expect(() => metrics(gateway)).toThrow(new TypeError(message('metrics')));
  });

  test.each(['/', '/snapshot.json', '/config.json', '/events', '/uplot.js', '/changes'])(
    'holds for every part: GET %s',
    async (path) => {
      for (const said of [false, undefined, 'yes']) {
        const { server } = await serve({ authorize: () => said as boolean, allowChanges: true });
        const answer = await supertest(server).get(`/ops${path}`);
        expect(answer.status).toBe(403);
        expect(answer.body).toMatchObject({ status: 403 });
      }
    },
  );
});

describe.each([
  ['Express 4', express4],
  ['Express 5', express5],
])('the page on %s', (_, express) => {
  test.each<[how: string, authorize: NonNullable<OperationsOptions['authorize']>]>([
    [
      'throws',
      () => {
        throw new TypeError('secret of the session store');
      },
    ],
    ['rejects', () => Promise.reject(new Error('secret of the session store'))],
    ['rejects with no error', () => Promise.reject('secret of the session store')],
  ])('is kept closed by a check that %s, which is told once and never to who asks', async (_how, authorize) => {
    warned.length = 0;
    warnedCodes.length = 0;
    const { server } = await serve({ authorize, allowChanges: true }, express, false);
    for (const path of ['/', '/snapshot.json', '/events']) {
      const answer = await supertest(server).get(`/ops${path}`);
      expect([answer.status, answer.type]).toEqual([500, 'application/problem+json']);
      expect(answer.body).toMatchObject({ status: 500, title: 'Internal Server Error' });
      expect(answer.text).not.toContain('secret');
    }
    expect(warnedCodes).toEqual(['authorize_failed']);
    expect(warned.join()).toMatch(/authorize of operations\(\) (threw|rejected)/);
    expect(warned.join()).not.toContain('secret');
  });

  test('comes with its parts and a policy that lets nothing else in', async () => {
    const { server } = await serve({ public: true }, express);
    for (const path of ['/ops', '/ops/']) {
      const page = await supertest(server).get(path);
      expect(page.status).toBe(200);
      const nonce = /<script nonce="([^"]+)"/.exec(page.text)?.[1];
      expect(page.headers['content-security-policy']).toContain(`script-src 'nonce-${nonce}'`);
      expect(page.headers['cache-control']).toBe('no-store');
    }
    const [script, style] = await Promise.all(['js', 'css'].map((type) => supertest(server).get(`/ops/uplot.${type}`)));
    expect([script?.status, script?.type, style?.type]).toEqual([200, 'text/javascript', 'text/css']);
    expect(script?.text).toContain('uPlot');
    expect(script?.headers['x-content-type-options']).toBe('nosniff');
  });

  test('is fed with events', async () => {
    const { gateway, server } = await serve({ public: true }, express);
    await gateway.run('checkout', async () => undefined);
    await expect(gateway.run('checkout', async () => undefined)).rejects.toThrow();
    const stream = await listen(server);
    expect(stream.headers['content-type']).toBe('text/event-stream');
    expect(stream.headers['cache-control']).toContain('no-transform');
    expect(await nextEvent(stream, 'refusals')).toMatchObject([
      { route: 'checkout', code: 'rate_limited', measured: { refill_per_second: 5, burst: 1 } },
    ]);
    const again = await listen(server);
    expect(await nextEvent(again, 'view')).toMatchObject({ mode: 'enforce', routes: [{ name: 'checkout' }, {}] });
  });
});

test('a page that asks why it gets no events hears it', async () => {
  const { gateway, server } = await serve({ public: true });
  const head = () => supertest(server).head('/ops/events');
  expect([(await head()).status, (await head()).type]).toEqual([200, 'text/event-stream']);
  await gateway.drain({ timeoutMs: 0 });
  expect((await head()).status).toBe(503);
});

test('events end when the gateway drains, so that nobody holds the server up', async () => {
  const { gateway, server } = await serve({ public: true });
  const stream = await listen(server);
  const drained = gateway.drain({ server });
  let text = '';
  // A stream that is cut rather than ended throws here.
  for await (const chunk of stream) text += String(chunk);
  expect(text).toMatch(/event: leaving\ndata: \{\}\n\n$/);
  await drained;
  expect(server.listening).toBe(false);
});

describe('who has left is no watcher', () => {
  const MOST_WATCHERS = 50;
  const EVENTS = '/ops/events';

  /** Connects, asks for all of these at once, and waits until the server has read that. */
  async function ask(server: Server, paths: readonly string[], asked: () => number): Promise<Socket> {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const before = asked();
    const text = paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: shop\r\n\r\n`).join('');
    socket.on('error', () => {}).write(text);
    await until(() => asked() === before + paths.length);
    return socket;
  }

  /** Ends the connections, and waits until the server knows. */
  async function leave(server: Server, sockets: readonly Socket[]): Promise<void> {
    for (const socket of sockets) socket.destroy();
    await until(() => new Promise((resolve) => server.getConnections((_, count) => resolve(count === 0))));
  }

  test('although he did while it was looked up whether he may look', async () => {
    const held: (() => void)[] = [];
    const authorize = (): Promise<boolean> => new Promise((resolve) => held.push(() => resolve(true)));
    const { server } = await serve({ authorize });
    const sockets: Socket[] = [];
    for (let count = 0; count < MOST_WATCHERS; count += 1) sockets.push(await ask(server, [EVENTS], () => held.length));
    await leave(server, sockets);
    for (const answer of held) answer();
    const stream = listen(server);
    await until(() => held.length > MOST_WATCHERS);
    held.at(-1)?.();
    expect((await stream).statusCode).toBe(200);
  });

  test('and many who ask on one connection are no leak of listeners', async () => {
    let asked = 0;
    const authorize = (): boolean => {
      asked += 1;
      return true;
    };
    const { server } = await serve({ authorize });
    const suspected: Error[] = [];
    const note = (warning: Error): void => void suspected.push(warning);
    process.on('warning', note);
    const many = Array.from({ length: 30 }, () => EVENTS);
    const socket = await ask(server, many, () => asked);
    // Answered after all of them.
    const stream = await listen(server);
    stream.destroy();
    await leave(server, [socket]);
    process.off('warning', note);
    expect(suspected).toEqual([]);
  });

  test('although his answers waited behind another', async () => {
    let asked = 0;
    const never = new Promise<boolean>(() => {});
    const authorize = ({ path }: { readonly path: string }): boolean | Promise<boolean> => {
      asked += 1;
      return path === '/events' || never;
    };
    const { server } = await serve({ authorize });
    const paths = ['/ops/snapshot.json', ...Array.from({ length: MOST_WATCHERS }, () => EVENTS)];
    await leave(server, [await ask(server, paths, () => asked)]);
    expect((await listen(server)).statusCode).toBe(200);
  });
});
