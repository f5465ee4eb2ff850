import { connect } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { Request } from 'express';
import { protect } from 'sluice/express';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Relay } from '../contract/relay.js';
import { RawClient } from '../integration/http/raw-client.js';
import { ask } from '../integration/pools/pool-fixture.js';
import { type PostgresServer, startPostgres } from '../support/postgres.js';
import { type FaultApp, startFaultApp } from './fault-app.js';
import { type FaultShop, startFaultShop } from './fault-shop.js';
import { CAN_FILTER, Firewall } from './firewall.js';
import { describeFault } from './repetitions.js';
import { until } from './until.js';

// F49 to F51: clients that are cut off without a word, that read slowly, and that send slowly or without end.

const CHECKOUT = '{"sku":1,"quantity":1}';

const BUSY = "select 1 from pg_stat_activity where application_name = 'sluice-shop' and state <> 'idle'";

/** The first lines of a checkout whose body is to follow. */
const opening = (length: number | 'chunked'): string[] => [
  'POST /checkout HTTP/1.1',
  'Host: test',
  'Content-Type: application/json',
  length === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`,
  '',
  '',
];

/** A request whose client reads nothing at all. */
function deaf(port: number, text: string) {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.pause();
  socket.write(text);
  return socket;
}

describeFault(`F49: a client is cut off without a word (${CAN_FILTER ? 'packets lost' : 'a silent relay'})`, () => {
  let shop: FaultShop;
  let firewall: Firewall;
  let relay: Relay;

  beforeEach(async () => {
    shop = await startFaultShop({ checkoutWorkMs: 20_000, env: { SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '1500' } });
    firewall = new Firewall();
    relay = await Relay.to({ host: '127.0.0.1', port: shop.port });
  });
  afterEach(async () => {
    firewall.lift();
    await relay.close();
    await shop.close();
  });

  it('its work ends at the deadline, and its seat is somebody else’s', async () => {
    const clients = await Promise.all(
      Array.from({ length: 8 }, () => RawClient.to(CAN_FILTER ? shop.port : relay.address.port)),
    );
    for (const client of clients) {
      client.write(...opening(CHECKOUT.length));
      client.write(CHECKOUT);
    }
    const sentMs = performance.now();
    await until(() => shop.stats('checkout').inFlight === 8);
    if (CAN_FILTER)
      firewall.set(
        'DROP',
        shop.port,
        clients.map(({ socket }) => socket.localPort ?? 0),
      );
    else relay.silence();
    await until(() => shop.stats('checkout').ended + shop.stats('checkout').shed === 8);
    // The cancel on the server, and the proof that it hits nobody else, come after the deadline.
    expect(performance.now() - sentMs).toBeLessThan(1_500 + 400);
    expect(shop.pool('checkout').seats.inFlight).toBe(0);
    expect(await ask(shop.postgres.url, BUSY)).toEqual([]);
    // The others do not notice: the same pool serves them.
    const { status } = await fetch(`http://127.0.0.1:${shop.port}/products/1`);
    expect(status).toBe(200);
    // And their connections are not kept for ever.
    for (const { socket } of clients) socket.destroy();
    await shop.expectAtRest();
  });

  it('and its handler waits for somebody else: no limit of the database ends that, but the deadline', async () => {
    let aborted = 0;
    const app = await startFaultApp(
      { url: shop.postgres.url, pools: { main: { max: 2 } }, routes: { elsewhere: { pool: 'main', deadlineMs: 700 } } },
      (express, gateway) => {
        const wait = (req: Request): void => {
          req.sluice.signal.addEventListener('abort', () => {
            aborted += 1;
          });
        };
        express.get('/elsewhere', protect(gateway, 'elsewhere', {}, wait));
      },
    );
    try {
      const clients = await Promise.all([1, 2].map(() => RawClient.sends(app.port, 'GET', '/elsewhere')));
      await until(() => app.stats('elsewhere').inFlight === 2);
      const ports = clients.map(({ socket }) => socket.localPort ?? 0);
      if (CAN_FILTER) firewall.set('DROP', app.port, ports);
      else for (const { socket } of clients) socket.pause();
      await until(() => app.stats('elsewhere').ended === 2, 1_500);
      expect(app.stats('elsewhere').outcomes.expired).toBe(2);
      expect(aborted).toBe(2);
      for (const { socket } of clients) socket.destroy();
    } finally {
      firewall.lift();
      await app.close();
    }
  });
});

describeFault('F50: a client does not read its answer', () => {
  const SIZE = 24 * 1_024 * 1_024;
  const piece = Buffer.alloc(65_536, 'x');
  const large = Buffer.alloc(SIZE, 'x');
  const WRITE_TIMEOUT_MS = 400;
  let app: FaultApp;
  let postgres: PostgresServer;

  beforeEach(async () => {
    postgres = await startPostgres({ settings: { fsync: 'off' } });
  });
  const start = async (writeTimeoutMs?: number): Promise<void> => {
    app = await startFaultApp(
      {
        url: postgres.url,
        // How many may wait for the two is another matter.
        pools: { main: { max: 2, minIdle: 2, eviction: false } },
        routes: {
          large: { pool: 'main', deadlineMs: 2_000 },
          stream: { pool: 'main', deadlineMs: 500, stream: true },
        },
        gateway: { writeTimeoutMs },
      },
      (express, gateway) => {
        express.get(
          '/large',
          protect(gateway, 'large', {}, async (req, res) => {
            await req.sluice.query('SELECT 1');
            res.type('text').send(large);
          }),
        );
        express.get(
          '/export',
          protect(gateway, 'stream', {}, async (req, res) => {
            await req.sluice.query('SELECT 1');
            await pipeline(function* () {
              for (;;) yield piece;
            }, res);
          }),
        );
        express.get(
          '/stream',
          protect(gateway, 'stream', {}, async (req, res) => {
            const connection = await req.sluice.connect();
            // Without end, as fast as the client reads.
            const pieces = async function* () {
              for (;;) {
                await connection.query('SELECT 1');
                yield piece;
              }
            };
            await pipeline(pieces, res).finally(() => connection.release());
          }),
        );
      },
    );
  };
  afterEach(async () => {
    await app.close();
    await postgres.close();
  });

  it('it holds neither a seat nor a connection while it does', async () => {
    await start();
    const readers = Array.from({ length: 12 }, () => deaf(app.port, 'GET /large HTTP/1.1\r\nHost: test\r\n\r\n'));
    // Six times the seats: each had its own while the database worked for it, and no longer.
    await until(() => app.stats('large').outcomes.succeeded + app.stats('large').shed === 12);
    expect(app.stats('large').outcomes.succeeded).toBeGreaterThanOrEqual(8);
    expect(app.gateway.snapshot().pools[0]).toMatchObject({ seats: { inFlight: 0 }, connections: { inUse: 0 } });
    // None of them has read anything: the answers are still with the server.
    expect(readers.map(({ bytesRead }) => bytesRead).every((bytes) => bytes < SIZE)).toBe(true);
    expect(await readLarge()).toBe(SIZE);
    for (const reader of readers) reader.destroy();
    await until(() => app.gateway.answers.size === 0);
    await app.expectAtRest();
  });

  it('for the write timeout: its connection is ended, and its answer no longer kept', async () => {
    await start(WRITE_TIMEOUT_MS);
    const readers = Array.from({ length: 4 }, () => deaf(app.port, 'GET /large HTTP/1.1\r\nHost: test\r\n\r\n'));
    await until(() => app.stats('large').outcomes.succeeded === 4);
    expect(app.gateway.answers.size).toBe(4);
    const answeredMs = performance.now();
    await until(() => app.gateway.answers.size === 0, WRITE_TIMEOUT_MS * 3);
    expect(performance.now() - answeredMs).toBeGreaterThan(WRITE_TIMEOUT_MS * 0.7);
    expect(app.gateway.answers.cutOff).toBe(4);
    expect(app.log.of('answer_not_read')).toHaveLength(1);
    for (const reader of readers) {
      reader.resume();
      await until(() => reader.closed);
      expect(reader.bytesRead).toBeLessThan(SIZE);
    }
    await app.expectAtRest();
  });

  it('in the middle of a stream: the handler ends, and its seat and connection are somebody else’s', async () => {
    await start(WRITE_TIMEOUT_MS);
    const readers = [1, 2].map(() => deaf(app.port, 'GET /stream HTTP/1.1\r\nHost: test\r\n\r\n'));
    await until(() => app.gateway.snapshot().pools[0]?.connections.inUse === 2);
    await until(() => app.stats('stream').outcomes.abandoned === 2, WRITE_TIMEOUT_MS * 4);
    expect(app.gateway.snapshot().pools[0]).toMatchObject({ seats: { inFlight: 0 }, connections: { inUse: 0 } });
    expect(await readLarge()).toBe(SIZE);
    for (const reader of readers) reader.destroy();
    await app.expectAtRest();
  });

  it('but sips at a stream without end: the seat is somebody else’s once the database is done and the deadline is over', async () => {
    await start();
    const readers = [1, 2].map(() => deaf(app.port, 'GET /export HTTP/1.1\r\nHost: test\r\n\r\n'));
    const sip = setInterval(() => {
      for (const reader of readers) reader.read(2_000);
    }, 50);
    try {
      await until(() => app.stats('stream').inFlight === 2);
      await until(() => app.gateway.snapshot().pools[0]?.seats.inFlight === 0, 3_000);
      expect(app.stats('stream').inFlight).toBe(2);
      expect(await readLarge()).toBe(SIZE);
    } finally {
      clearInterval(sip);
    }
    for (const reader of readers) reader.destroy();
    await until(() => app.stats('stream').outcomes.abandoned === 2);
    await app.expectAtRest();
  });

  it('but slowly, one answer that was written at once: it gets all of it', async () => {
    await start(1_000);
    const reader = deaf(app.port, 'GET /large HTTP/1.1\r\nHost: test\r\n\r\n');
    const startedMs = performance.now();
    // 64 kB at a time. The buffers of the system hide what a client reads until a megabyte or two of it are gone.
    const sip = setInterval(() => reader.resume(), 12);
    reader.on('data', () => reader.pause());
    try {
      await until(() => reader.bytesRead > SIZE, 40_000);
    } finally {
      clearInterval(sip);
    }
    // Nothing of the kind that Node counts was finished meanwhile.
    expect(performance.now() - startedMs).toBeGreaterThan(2_500);
    expect(app.gateway.answers.cutOff).toBe(0);
    reader.destroy();
    await app.expectAtRest();
  });

  /** Bytes of a whole answer. */
  async function readLarge(): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${app.port}/large`);
    let read = 0;
    for await (const chunk of answer.body ?? []) read += chunk.length;
    return read;
  }
});

describeFault('F51: a client sends slowly, or without end', () => {
  let shop: FaultShop;

  beforeEach(async () => {
    shop = await startFaultShop({ env: { SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '1000' } });
  });
  afterEach(async () => {
    await shop.close();
  });

  it('a body that trickles holds neither a seat nor a place in the queue, and its time runs', async () => {
    const clients = await Promise.all(Array.from({ length: 40 }, () => RawClient.to(shop.port)));
    for (const client of clients) client.write(...opening(CHECKOUT.length));
    let sent = 0;
    const trickle = setInterval(() => {
      // The last byte never comes.
      if (sent === CHECKOUT.length - 1) return;
      for (const client of clients) client.write(CHECKOUT.charAt(sent));
      sent += 1;
    }, 30);
    try {
      await until(() => shop.stats('checkout').arrived === 40 && sent > 10);
      expect(shop.stats('checkout')).toMatchObject({ undecided: 40, inFlight: 0, admitted: 0 });
      expect(shop.queued()).toBe(0);
      const { latencyMs } = await timed(() => checkout());
      expect(latencyMs).toBeLessThan(500);
      await Promise.all(clients.map((client) => client.closed()));
    } finally {
      clearInterval(trickle);
    }
    for (const { received } of clients) expect(received).toMatch(/^HTTP\/1\.1 503 .*"code":"deadline_expired"/s);
    expect(shop.stats('checkout').shedByCode.deadline_expired).toBe(40);
    await shop.expectAtRest();
  });

  it.each(['with its length', 'in chunks'])('a body of a gigabyte (%s) is refused before it is read', async (form) => {
    const GIGABYTE = 1_024 ** 3;
    const heap = process.memoryUsage().rss;
    const client = await RawClient.to(shop.port);
    client.write(...opening(form === 'in chunks' ? 'chunked' : GIGABYTE));
    const piece = Buffer.alloc(65_536, 'x');
    let sent = 0;
    const closed = new Promise((resolve) => client.socket.once('close', resolve));
    const send = (): void => {
      if (form === 'in chunks') client.socket.write(`${piece.length.toString(16)}\r\n`);
      client.socket.write(piece);
      if (form === 'in chunks') client.socket.write('\r\n');
      sent += piece.length;
    };
    send();
    await until(() => client.received !== '');
    // Who goes on all the same is cut off.
    while (!client.socket.destroyed && sent < GIGABYTE) {
      send();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await closed;
    expect(client.received).toMatch(/^HTTP\/1\.1 413 /);
    // What the kernel holds for both sides, and no more.
    expect(sent).toBeLessThan(GIGABYTE / 8);
    expect(process.memoryUsage().rss - heap).toBeLessThan(64 * 1_024 ** 2);
    expect(shop.stats('checkout')).toMatchObject({ admitted: 0, undecided: 0, abandonedBeforeAdmission: 1 });
    expect((await checkout()).status).toBe(201);
    await shop.expectAtRest();
  });

  async function checkout(): Promise<Response> {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`http://127.0.0.1:${shop.port}/checkout`, { method: 'POST', headers, body: CHECKOUT });
    await answer.arrayBuffer();
    return answer;
  }
});

async function timed(work: () => Promise<Response>): Promise<{ readonly latencyMs: number }> {
  const startedMs = performance.now();
  expect((await work()).status).toBe(201);
  return { latencyMs: performance.now() - startedMs };
}
