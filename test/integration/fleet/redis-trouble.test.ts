import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createEchoServer, type Server as EchoServer } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import { Redis } from 'ioredis';
import { createGateway } from 'sluice';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../examples/support/free-port.js';
import { checkRedis } from '../../../src/cli/doctor/redis-checks.js';
import { RedisServer } from '../../support/redis-server.js';
import { selfSigned } from '../pools/self-signed.js';
import { openFleet } from './support.js';

// What is wrong with a Redis in words that help, of real servers, and in the log as in the doctor.

let tls: TlsServer;
let web: Server;
let echo: EchoServer;
let redis: RedisServer;
let node: RedisServer;

beforeAll(async () => {
  web = createServer((_, res) => res.end('hello')).listen(0, '127.0.0.1');
  await once(web, 'listening');
  echo = createEchoServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  // As what stands before a Redis that is to be reached by TLS.
  const { certificate: cert, key } = selfSigned('localhost');
  tls = createTlsServer({ cert, key }).listen(0, '127.0.0.1');
  await once(tls, 'listening');
  redis = await RedisServer.start({ password: 'right' });
  node = await RedisServer.start({ settings: { 'cluster-enabled': 'yes' } });
});
afterAll(async () => {
  web.close();
  echo.close();
  tls.close();
  await redis.close();
  await node.close();
});

const portOf = (server: Server | EchoServer | TlsServer): number => (server.address() as AddressInfo).port;
const webPort = (): number => portOf(web);

describe.each<[string, () => string | Promise<string>, RegExp]>([
  [
    'a web server',
    () => `redis://:secret@127.0.0.1:${webPort()}`,
    /^what answers there does not speak Redis's protocol/,
  ],
  ['what says everything again', () => `redis://127.0.0.1:${portOf(echo)}`, /what answers there is no Redis/],
  ['a server without TLS', () => `rediss://:secret@127.0.0.1:${webPort()}`, /does not speak TLS: use redis:/],
  ['a closed port', async () => `redis://:secret@127.0.0.1:${await freePort()}`, /ECONNREFUSED.*nothing listens there/],
  ['a node of a cluster', () => node.url, /CLUSTERDOWN.*Redis Cluster: give createGateway a `Cluster`/],
  [
    'a server with TLS alone',
    () => `redis://:secret@127.0.0.1:${portOf(tls)}`,
    /^it ends connections at once: perhaps it wants TLS \(rediss:\/\/\)/,
  ],
  ['no password', () => `redis://127.0.0.1:${redis.port}`, /NOAUTH.*correct user and password of the URL/],
  ['a wrong password', () => `redis://:secret@127.0.0.1:${redis.port}`, /WRONGPASS.*correct user and password/],
])('%s', (_, urlOf, words) => {
  it('is told of in plain words', async () => {
    const url = await urlOf();
    const { fleet, warnings } = await openFleet(url);
    try {
      await expect.poll(() => fleet.status.trouble).toMatch(words);
      expect(warnings.filter(([code]) => code === 'fleet_degraded')).toHaveLength(1);
      const place = `127.0.0.1:${new URL(url).port}`;
      expect(warnings[0]?.[1]).toMatch(`Redis at ${place} does not answer (`);
      const [finding] = await checkRedis(url);
      expect(finding).toMatchObject({ check: 'reach', state: 'failure' });
      const found = `${place} cannot be used (`;
      expect(finding?.found.slice(0, found.length)).toBe(found);
      expect(finding?.found.slice(found.length)).toMatch(words);
      expect(JSON.stringify([warnings, finding])).not.toMatch(/secret|Please report|closed/);
    } finally {
      await fleet.close();
    }
  });
});

it('what turns out only later is told when it does: one who speaks TLS to a Redis without waits for its answer', async () => {
  const { fleet, warnings } = await openFleet(`rediss://:secret@127.0.0.1:${redis.port}`);
  try {
    await expect.poll(() => warnings.length).toBe(2);
    const place = `Redis at 127.0.0.1:${redis.port}`;
    expect(warnings[0]).toEqual(['fleet_degraded', expect.stringContaining(`${place} does not answer (no answer`)]);
    const words = new RegExp(`^${place} cannot be used \\(.*ETIMEDOUT.*whether it wants no TLS \\(redis://\\)\\)$`);
    expect(warnings[1]).toEqual(['fleet_trouble', expect.stringMatching(words)]);
    expect(JSON.stringify(warnings)).not.toContain('secret');
  } finally {
    await fleet.close();
  }
});

it('a replica is told of with the remedy', async () => {
  const replica = await RedisServer.start();
  const admin = new Redis(replica.url);
  try {
    await admin.replicaof('127.0.0.1', await freePort());
    const { fleet, warnings } = await openFleet(replica.url);
    const told = (): string => warnings.at(-1)?.join() ?? '';
    await expect.poll(told).toMatch(/^fleet_.*READONLY.*it is a replica.*let the URL name the primary/);
    await fleet.close();
  } finally {
    admin.disconnect();
    await replica.close();
  }
});

it('a certificate that nobody vouches for is refused, whatever the process does elsewhere', async () => {
  const { NODE_TLS_REJECT_UNAUTHORIZED: before } = process.env;
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  try {
    const { fleet } = await openFleet(`rediss://:secret@localhost:${portOf(tls)}`);
    await expect.poll(() => fleet.status.trouble).toMatch(/self-signed certificate/);
    await fleet.close();
  } finally {
    if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
  }
});

it('a server that has answered, and was ended, is not told of as if its URL were wrong', async () => {
  const server = await RedisServer.start();
  const { fleet, warnings } = await openFleet(server.url);
  try {
    await expect.poll(() => fleet.status.degraded).toBe(false);
    await server.stop();
    await expect.poll(() => fleet.status.trouble).toMatch(/ECONNREFUSED.*nothing listens there any more$/);
    expect(warnings.map(([code]) => code)).toEqual(['fleet_degraded']);
    expect(JSON.stringify(warnings)).not.toMatch(/TLS|maxclients|of the URL/);
  } finally {
    await fleet.close();
    await server.close();
  }
});

it('a database that is not there is told of by the doctor: the client takes the first one', async () => {
  const [finding] = await checkRedis(`${redis.url}/99`);
  expect(finding).toMatchObject({ check: 'reach', state: 'failure' });
  expect(finding?.found).toMatch(/no database of the number in the path/);
});

it('a password that is not escaped is refused with the remedy, and not shown', async () => {
  const wrong = createGateway({ redisUrl: 'redis://:se%zzcret@127.0.0.1:6379', pools: {}, routes: {} }, { env: {} });
  await expect(wrong).rejects.toThrow(/redisUrl.*percent-encoded/s);
  await expect(wrong).rejects.not.toThrow(/cret@/);
});
