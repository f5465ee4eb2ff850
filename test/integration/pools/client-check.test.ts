import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readServerLimits } from '../../../src/pools/server-limits.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { FOREVER, makePool } from './pool-fixture.js';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off' } });
});

afterAll(() => server.close());

const CHECK =
  "SELECT current_setting('client_connection_check_interval') AS value, current_setting('work_mem') AS memory";

const KEEPALIVES = `SELECT current_setting('tcp_keepalives_idle') AS idle, current_setting('tcp_keepalives_interval') AS
  interval, current_setting('tcp_keepalives_count') AS count, current_setting('tcp_user_timeout') AS unacknowledged`;

async function settings(url: string): Promise<unknown> {
  const { pool } = makePool({ url }, { max: 1 });
  const connection = await pool.acquire(FOREVER);
  const { rows } = await connection.query(CHECK, undefined, undefined);
  await connection.release();
  await pool.close(0);
  return { ...rows[0], ...pool.gauges() };
}

describe('the look of the server for its client', () => {
  it('is asked for at the start of a session', async () => {
    expect(await settings(server.url)).toMatchObject({ value: '500ms' });
  });

  it('goes with keepalives, by which a client that is gone with its network is given up after ten seconds', async () => {
    const { pool } = makePool(server, { max: 1 });
    const connection = await pool.acquire(FOREVER);
    const { rows } = await connection.query(KEEPALIVES, undefined, undefined);
    expect(rows).toEqual([{ idle: '1', interval: '1', count: '9', unacknowledged: '10000' }]);
    await connection.release();
    await pool.close(0);
  });

  it('survives the clean-up of a session', async () => {
    const { pool } = makePool(server, { max: 1 });
    const first = await pool.acquire(FOREVER);
    await first.query('SET client_connection_check_interval = 0', undefined, undefined);
    await first.release();
    const second = await pool.acquire(FOREVER);
    expect((await second.query(CHECK, undefined, undefined)).rows[0]).toMatchObject({ value: '500ms' });
    await second.release();
    await pool.close(0);
  });

  it('stands beside the options of the url, which win', async () => {
    const options = (text: string): string => `${server.url}?options=${encodeURIComponent(text)}`;
    expect(await settings(options('-c work_mem=77MB'))).toMatchObject({ value: '500ms', memory: '77MB' });
    expect(await settings(options('-c client_connection_check_interval=9s'))).toMatchObject({ value: '9s' });
  });

  it.each([
    ['a pooler that takes no settings', '08P01', 'unsupported startup parameter: options'],
    ['a pooler that takes few', '08P01', 'unsupported startup parameter in options: client_connection_check_interval'],
    ['an old server', '42704', 'unrecognized configuration parameter "client_connection_check_interval"'],
    ['a system that cannot', '22023', 'invalid value for parameter "client_connection_check_interval": 500'],
  ])('is left out, without a failed connect, for %s', async (_, code, message) => {
    const choosy = await ChoosyServer.before(server.port, code, message);
    const url = new URL(server.url);
    url.port = String(choosy.port);
    expect(await settings(url.href)).toMatchObject({ value: '0', connectFailures: 0, opened: 1 });
    expect(choosy.refused).toBe(1);
    const { pool, journal } = makePool({ url: url.href }, { max: 2, minIdle: 2 });
    const both = await Promise.all([pool.acquire(FOREVER), pool.acquire(FOREVER)]);
    await Promise.all(both.map((each) => each.release()));
    expect(journal.entries).toEqual(['up']);
    expect(journal.warnings).toEqual([]);
    await pool.close(0);
    await choosy.close();
  });

  it('does not hide another refusal', async () => {
    const choosy = await ChoosyServer.before(server.port, '22023', 'invalid value for parameter "TimeZone": "nowhere"');
    const url = new URL(server.url);
    url.port = String(choosy.port);
    const { pool, journal } = makePool({ url: url.href }, { max: 1 });
    await journal.reached('down');
    expect(journal.warnings[0]?.message).toContain('nowhere');
    await pool.close(0);
    await choosy.close();
  });
});

describe('the limits of a server', () => {
  it('are read as it has them', async () => {
    const { pool } = makePool(server, { max: 1 });
    const connection = await pool.acquire(FOREVER);
    expect(await readServerLimits(connection)).toEqual({
      maxConnections: 100,
      superuserReserved: 3,
      identity: expect.stringMatching(/^postgres [\d.]+ \d+$/),
      database: 'postgres',
      databaseLimit: null,
      user: 'postgres',
      userLimit: null,
    });
    await connection.release();
    expect(pool.gauges().idle).toBe(1);
    await pool.close(0);
  });
});

/** Stands before a server and refuses every start of a session that brings options, in the words of others. */
class ChoosyServer {
  refused = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(target: number, refusal: Buffer) {
    this.#server = createServer((client) => {
      this.#keep(client);
      client.once('data', (start: Buffer) => {
        if (start.includes('options\0')) {
          this.refused += 1;
          client.end(refusal);
          return;
        }
        const upstream = connect(target, '127.0.0.1');
        this.#keep(upstream);
        upstream.write(start);
        client.pipe(upstream).pipe(client);
      });
    });
  }

  static async before(target: number, code: string, message: string): Promise<ChoosyServer> {
    const body = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`);
    const head = Buffer.alloc(5);
    head.write('E');
    head.writeInt32BE(body.length + 4, 1);
    const choosy = new ChoosyServer(target, Buffer.concat([head, body]));
    choosy.#server.listen(0, '127.0.0.1');
    await once(choosy.#server, 'listening');
    return choosy;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
