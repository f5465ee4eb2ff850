import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { checkOut, ShopProcess, untilStatus } from '../integration/shop/shop-process.js';
import { type PostgresServer, startShopPostgres } from '../support/postgres.js';
import { SHOP_FILE, soon } from './fleet-bench.js';
import { describeFault } from './repetitions.js';

let postgres: PostgresServer;
let shop: ShopProcess;
beforeAll(async () => {
  postgres = await startShopPostgres({ settings: { fsync: 'off', autovacuum: 'off' } });
});
afterEach(() => shop.destroy());
afterAll(() => postgres.close());

const WORK = { SHOP_CHECKOUT_WORK_MS: '100', SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '5000' };

/** @param prefix - What the shop is run by: a command that runs its last arguments. */
const start = (env: Record<string, string>, ...prefix: string[]): ShopProcess => {
  const [program = '', ...args] = [...prefix, process.execPath, SHOP_FILE];
  shop = new ShopProcess({ env: { DATABASE_URL: postgres.url, ...env }, command: [program, ...args] });
  return shop;
};
/** Runs what follows with so many descriptors. */
const withDescriptors = (count: number): string[] => ['sh', '-c', `ulimit -n ${count}; exec "$@"`, 'sh'];

const metric = async (url: string, name: string): Promise<number> => {
  const told = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^sluice_${name} (\\d+)$`, 'm').exec(told)?.[1]);
};

describeFault('F60: no descriptors', () => {
  it('OS-2 for not even a start: says in one line what to raise', async () => {
    const { ended } = start({}, ...withDescriptors(40));
    expect(await ended).toBe(1);
    expect(shop.output).toMatch(/^this process may open 40 file descriptors and needs at least 128 .*"ulimit -n".*\n$/);
  });

  it('OS-1 for many clients: warns at the start, turns newcomers away, serves the others, and recovers', async () => {
    const url = await start(WORK, ...withDescriptors(128)).url();
    await shop.says(/of 128 file descriptors the pools may need 30 .* leaves 34 for clients .*\[descriptors_scarce\]/);
    await untilStatus(url, '/readyz', 200);
    const crowd = Array.from({ length: 200 }, () => client(Number(new URL(url).port)));
    const statuses = await Promise.all(crowd.map(({ answer }) => answer));
    // All that were let in are served: the pools found every descriptor that they wanted.
    expect(statuses.filter((status) => status === '201').length).toBeGreaterThanOrEqual(20);
    expect(statuses.filter((status) => status !== '201' && status !== 'cut')).toEqual([]);
    await shop.says(/more than 34 clients .*\[clients_turned_away\]/);
    for (const { socket } of crowd) socket.destroy();
    await soon(async () => (await checkOut(url).catch(() => undefined))?.status === 201);
    expect(await metric(url, 'clients_turned_away_total')).toBeGreaterThanOrEqual(100);
    expect(await metric(url, 'pool_connect_failures_total\\{pool="checkout"\\}')).toBe(0);
  });
});

/** Sends one checkout on a connection of its own. */
function client(port: number): { socket: Socket; answer: Promise<string> } {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  const body = '{"sku":1,"quantity":1}';
  const head = ['POST /checkout HTTP/1.1', 'Host: test', 'Content-Type: application/json', 'Content-Length: 22'];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  const answer = new Promise<string>((resolve) => {
    socket.once('data', (data) => resolve(String(data).slice(9, 12)));
    socket.once('close', () => resolve('cut'));
  });
  return { socket, answer };
}

const CALLERS = 8;

// Changing the limits of a running process, and a network of one's own, are Linux's alone.
if (process.platform === 'linux') {
  describeFault('F60: descriptors run out while it runs', () => {
    const limit = (count: number): void => {
      execFileSync('prlimit', ['--pid', String(shop.child.pid), `--nofile=${count}:`]);
    };

    it('serves on with the connections that it has, names the cause, and grows again afterwards', async () => {
      // How much may wait for few connections is another matter: here all of it may.
      const url = await start({ ...WORK, SLUICE_POOL_CHECKOUT_EVICTION: 'false' }).url();
      await untilStatus(url, '/readyz', 200);
      const agent = new Agent({ keepAlive: true, maxSockets: CALLERS });
      const all = (method: string, path: string): Promise<string[]> =>
        Promise.all(Array.from({ length: CALLERS }, () => send(agent, method, url + path)));
      // Each caller has its connection from now on, and every file that is read late has been read.
      expect((await checkOut(url)).status).toBe(201);
      expect(await all('GET', '/products/1')).toEqual(Array(CALLERS).fill('200'));
      const connections = 'pool_connections\\{pool="checkout"\\}';
      const before = await metric(url, connections);
      limit(readdirSync(`/proc/${shop.child.pid}/fd`).length);
      expect(await all('POST', '/checkout')).toEqual(Array(CALLERS).fill('201'));
      await shop.says(
        /pool "checkout": this process or host has no file descriptor left .*EMFILE.*\[descriptors_exhausted\]/,
      );
      limit(4_096);
      const shortages = await metric(url, 'pool_connect_local_shortages_total\\{pool="checkout"\\}');
      expect(shortages).toBeGreaterThan(0);
      expect(await metric(url, 'pool_connect_failures_total\\{pool="checkout"\\}')).toBe(shortages);
      await soon(async () => {
        expect(await all('POST', '/checkout')).toEqual(Array(CALLERS).fill('201'));
        return (await metric(url, connections)) > before;
      });
      agent.destroy();
    });
  });
}

// Needs the right to make a network, which root in a container need not have.
if (spawnSync('unshare', ['--net', 'true']).status === 0) {
  describeFault('F60: no local ports', () => {
    const FEW_PORTS = 'ip link set lo up; echo "60000 60009" > /proc/sys/net/ipv4/ip_local_port_range; exec "$@"';

    it('serves on with the connections that it has, and names the cause', async () => {
      // The shop and its own PostgreSQL, in a network with ten local ports; a port can be used once for each server.
      start({ ...WORK, DATABASE_URL: '', PORT: '3000' }, 'unshare', '--net', 'sh', '-c', FEW_PORTS, 'sh');
      await shop.url();
      const inside = (script: string): string =>
        execFileSync(
          'nsenter',
          ['-t', String(shop.child.pid), '-n', process.execPath, '--input-type=module', '-e', script],
          {
            encoding: 'utf8',
          },
        );
      const statuses = inside(`
        const order = () => fetch('http://127.0.0.1:3000/checkout', {
          method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"sku":1,"quantity":1}',
        }).then(({ status }) => status);
        console.log((await Promise.all(Array.from({ length: 8 }, order))).join());
      `);
      expect(statuses.trim()).toBe(Array(8).fill(201).join());
      await shop.says(/this host has no free local port .*EADDRNOTAVAIL.*\[ports_exhausted\]/);
      shop.kill('SIGTERM');
      expect(await shop.ended).toBe(0);
    });
  });
}

/** @returns the status, with the code of a refusal behind it. */
async function send(agent: Agent, method: string, url: string): Promise<string> {
  const headers = method === 'POST' ? { 'content-type': 'application/json' } : {};
  const sent = request(url, { agent, method, headers });
  sent.end(method === 'POST' ? '{"sku":1,"quantity":1}' : '');
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const [, code] = /"code":"(\w+)"/.exec(await text(answer)) ?? [];
  return code === undefined ? String(answer.statusCode) : `${answer.statusCode} ${code}`;
}
